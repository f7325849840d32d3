"""Card: what a laptop reaches on MNIST: a variational autoencoder, and a PixelCNN of grey and of binary pixels.

Every number is a cost on test digits that were not learned from: nats a digit where pixels are binary, drawn with
their grey value as probability (dynamic binarisation), else bits for each of the 784 pixels of 256 levels.

Yuri Burda, Roger Grosse, Ruslan Salakhutdinov. Importance Weighted Autoencoders. 2016.
https://arxiv.org/abs/1509.00519
Aäron van den Oord, Nal Kalchbrenner, Koray Kavukcuoglu. Pixel Recurrent Neural Networks. 2016.
https://arxiv.org/abs/1601.06759
Aäron van den Oord et al. Conditional Image Generation with PixelCNN Decoders. 2016. https://arxiv.org/abs/1606.05328
Figures of the VAE: Sajad Norouzi, David J. Fleet, Mohammad Norouzi. Exemplar VAE. 2020.
https://arxiv.org/abs/2004.04795
Figures of flows: Will Grathwohl et al. FFJORD. 2019. https://arxiv.org/abs/1810.01367
"""

import math
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.optim import Adam

from likeness.core import Method, train
from likeness.data import Dataset, batches, load
from likeness.data.batch import Split
from likeness.density.conditionals import Binary, Conditional
from likeness.density.likelihoods import Bernoulli, binarised
from likeness.density.logistics import Logistics
from likeness.density.pixelcnn import PixelCNN
from likeness.density.vae import VAE
from likeness.nn import MLP
from likeness.nn.average import average
from likeness.nn.blocks import channels_last
from likeness.nn.pixelcnn import GatedPixelCNN
from likeness.papers.card import SCALES, Card, Claim, Numbers, Scale, for_each

M = TypeVar("M", bound=Method)
K = 64  # draws of the importance-weighted bound
AT_ONCE = 200  # digits
DILATIONS = 1, 2, 4  # of layers after the first: eight layers then see 18 rows up instead of 10


class Budget(NamedTuple):
    """The data, their levels, and test digits; steps and width of the VAE; of the PixelCNNs filters and layers,
    samples in a batch, steps on grey and on binary pixels."""

    data: str
    levels: int
    test: int
    vae_steps: int
    width: int
    filters: int
    layers: int
    batch: int
    grey_steps: int
    binary_steps: int


BUDGETS: dict[Scale, Budget] = {
    "quick": Budget("digits", 17, 360, 2500, 128, 16, 5, 32, 600, 600),
    "laptop": Budget("mnist", 256, 2000, 20_000, 500, 32, 8, 16, 1600, 1000),
    "gpu": Budget("mnist", 256, 10_000, 500_000, 500, 128, 16, 64, 100_000, 100_000),
}


def measure(seed: int, scale: Scale) -> Numbers:
    budget = BUDGETS[scale]
    device = torch.device("cuda" if scale == "gpu" and torch.cuda.is_available() else "cpu")
    data = load(budget.data, seed=seed)
    grey = spread_out(data.test, budget.test).to(device)
    torch.manual_seed(seed)
    binary = binarised(grey)
    found = alone(data.train, grey, binary, budget.levels)
    found |= autoencoder(data, binary, budget, seed, device)
    pixels = grey[0].numel() * math.log(2)
    for name, conditional, steps, x, unit in (
        ("grey", Logistics(1, budget.levels), budget.grey_steps, grey, pixels),
        ("binary", Binary(), budget.binary_steps, binary, 1.0),
    ):
        torch.manual_seed(seed)
        model = pixelcnn(data.event, conditional, budget)
        model, seconds = learned(model.to(device), data, steps, budget.batch, lr=3e-3, decay=0.99, seed=seed)
        found |= {name: cost(model.log_prob, x) / unit, f"{name}.seconds": seconds}
    return found


def spread_out(split: Split, n: int) -> Tensor:
    """About `n` samples at equal distances: the first digits of MNIST's test set are easier than the last."""
    return split[torch.arange(0, len(split), max(1, len(split) // n))].x


def autoencoder(data: Dataset, x: Tensor, budget: Budget, seed: int, device: torch.device) -> dict[str, float]:
    """The bounds of a VAE with perceptrons of two layers, as published ones are."""
    torch.manual_seed(seed)
    d, d_z = math.prod(data.event), 40
    E = nn.Sequential(nn.Flatten(), MLP(d, 2 * d_z, width=budget.width, depth=2))
    D = nn.Sequential(MLP(d_z, d, width=budget.width, depth=2), nn.Unflatten(1, data.event))
    vae = VAE(E, D, Bernoulli(), d_z=d_z, observe=binarised).to(device)
    vae, seconds = learned(vae, data, budget.vae_steps, 100, lr=1e-3, decay=0.999, seed=seed)
    bounds = {key: cost(partial(vae.log_prob, k=k), x) for key, k in (("vae.elbo", 1), ("vae.iw", K))}
    return bounds | {"vae.seconds": seconds}


def pixelcnn(event: tuple[int, ...], conditional: Conditional, budget: Budget) -> PixelCNN:
    size = {"filters": budget.filters, "layers": budget.layers}
    net = GatedPixelCNN(event[0], conditional.outputs, **size, dilations=DILATIONS if event[1] > 16 else (1,))
    channels_last(net)
    return PixelCNN(net, conditional, event, observe=binarised if conditional.levels == 2 else None)


def learned(method: M, data: Dataset, steps: int, batch: int, *, lr: float, decay: float, seed: int) -> tuple[M, float]:
    """The average of the weights of a training whose rate falls to a twentieth, and its seconds."""
    device = next(method.parameters()).device
    optimiser, ema = Adam(method.parameters(), lr, fused=True), average(method, decay)
    began = time.monotonic()
    for step in train(method, batches(data.train, batch, seed=seed, steps=steps, device=device), optimiser):
        ema.update(method)
        optimiser.param_groups[0]["lr"] = lr * min(1.0, step.iteration / 50) * (1 - 0.95 * step.iteration / steps)
    return cast(M, ema.module), time.monotonic() - began


@torch.no_grad()
def cost(log_prob: Callable[[Tensor], Tensor], x: Tensor) -> float:
    """Mean nats of the samples, by negative log-probability."""
    return -float(torch.cat([log_prob(part).double() for part in x.split(AT_ONCE)]).mean())


def alone(split: Split, grey: Tensor, binary: Tensor, levels: int) -> dict[str, float]:
    """Every pixel by itself, its values counted in the training digits, one added to each count."""
    d = grey[0].numel()
    counts, bright = torch.ones(d * levels, dtype=torch.float64), torch.ones(d, dtype=torch.float64)
    for index in torch.arange(len(split)).split(1000):
        x = split[index].x.flatten(1)
        counts += torch.bincount(_cells(x, levels).flatten(), minlength=d * levels)
        bright += ((x + 1) / 2).double().sum(0)
    p = counts.reshape(d, levels) / counts.reshape(d, levels).sum(1, keepdim=True)
    log_p, pi = p.log().flatten(), bright / (len(split) + 2)
    on = binary.flatten(1).cpu() > 0
    return {
        "histogram": -float(log_p[_cells(grey.flatten(1).cpu(), levels)].mean()) / math.log(2),
        "bernoulli": -float(torch.where(on, pi.log(), (1 - pi).log()).sum(1).mean()),
    }


def _cells(x: Tensor, levels: int) -> Tensor:
    """The place of every pixel's level in the table of all pixels' levels."""
    return ((x + 1) * (levels - 1) / 2).round().long() + levels * torch.arange(x.shape[1])


CARD = Card(
    "mnist",
    "What a laptop reaches on MNIST",
    "https://arxiv.org/abs/1606.05328",
    "Minutes on one core, in which the VAE sees the 54 000 training digits 37 times and the PixelCNNs see not half of "
    "them once; published models trained for far longer. The VAE has perceptrons of two layers of 500 units and 40 "
    "latents; its bounds, and the exact probabilities of the binary PixelCNN, are of "
    "the same binarised test digits. The published PixelCNN is of digits binarised once, ours are drawn anew at each "
    "step. The flows' bits are bounds by dequantisation, ours those of the levels themselves. The PixelCNNs have eight "
    "layers of 32 filters, dilated, so that a draw hangs together; published ones are deeper. The independent pixels "
    "beside them are counted in the training digits. On the smallest scale the digits are scikit-learn's, 8 × 8 "
    "of 17 levels, and compare with nothing published.",
    measure,
    (
        Claim("VAE on binary digits: −ELBO, nats", "vae.elbo", None, "bernoulli",
              for_each(lambda n: n["vae.elbo"] <= 100)),
        Claim("VAE on binary digits: importance-weighted bound, k = 64, nats", "vae.iw",
              "84.45 ± .12 (k = 5000)", "bernoulli", for_each(lambda n: n["vae.iw"] <= 100)),
        Claim("VAE: seconds of training", "vae.seconds", None, None, for_each(lambda n: n["vae.seconds"] <= 900)),
        Claim("VAE: bound below the cost of independent pixels", "vae.iw", None, "bernoulli",
              for_each(lambda n: n["vae.iw"] < n["bernoulli"]), SCALES),
        Claim("PixelCNN on grey digits: bits a pixel", "grey", "1.05 (Glow), 0.99 (FFJORD)", "histogram",
              for_each(lambda n: n["grey"] < 1.3)),
        Claim("PixelCNN on grey digits: seconds of training", "grey.seconds", None, None,
              for_each(lambda n: n["grey.seconds"] <= 900)),
        Claim("PixelCNN on grey digits: below independent pixels", "grey", None, "histogram",
              for_each(lambda n: n["grey"] < 0.9 * n["histogram"]), SCALES),
        Claim("PixelCNN on binary digits: nats (beside it the VAE's bound)", "binary",
              "81.30 (PixelCNN), 79.20 (PixelRNN)", "vae.iw"),
        Claim("PixelCNN on binary digits: below independent pixels", "binary", None, "bernoulli",
              for_each(lambda n: n["binary"] < 0.95 * n["bernoulli"]), SCALES),
        Claim("PixelCNN on binary digits: seconds of training", "binary.seconds"),
    ),
)  # fmt: skip
