"""Card: a prior made of examples against the standard normal one: same networks, same steps, same data.

Digits are built in; MNIST counts where the folder that LIKENESS_DATA names holds it. Pixels are binarised anew at every
step, test pixels once. Both bounds are importance-weighted by the same number of draws, which the rows state.

Sajad Norouzi, David J. Fleet, Mohammad Norouzi. Exemplar VAE: Linking Generative Models, Nearest Neighbor Retrieval,
and Data Augmentation. 2020. https://arxiv.org/abs/2004.04795
"""

import time
from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

import torch
from torch import Tensor
from torch.optim import SGD, Adam
from torch.optim.lr_scheduler import LinearLR

from likeness.core import train
from likeness.data import Dataset, batches, load, whole
from likeness.data.batch import Batch
from likeness.density.augmentation import augmented_cross_entropy, vote
from likeness.density.exemplar_vae import ExemplarVAE
from likeness.density.latents import linear
from likeness.density.likelihoods import Bernoulli, binarised
from likeness.density.vae import VAE
from likeness.nn.gated import GatedMLP
from likeness.papers._shelf import there
from likeness.papers.card import SCALES, Card, Claim, Numbers, Scale, Verdict, for_each

MNIST = "mnist"


class Budget(NamedTuple):
    """Of one data set: samples at most, epochs, width, latents, rate, part of the exemplars, test samples, draws."""

    limit: int | None
    epochs: int
    width: int
    d_z: int
    lr: float
    share: float
    test: int
    k: int


DIGITS: dict[Scale, Budget] = {
    "quick": Budget(None, 60, 200, 16, 1e-3, 0.4, 300, 50),
    "laptop": Budget(None, 200, 200, 16, 1e-3, 0.4, 500, 200),
    "gpu": Budget(None, 200, 200, 16, 1e-3, 0.4, 500, 200),
}
LARGE: dict[Scale, Budget] = {
    "laptop": Budget(12_000, 45, 200, 40, 1e-3, 0.5, 1000, 64),
    "gpu": Budget(None, 400, 300, 40, 5e-4, 0.5, 1000, 5000),
}


def measure(seed: int, scale: Scale) -> Numbers:
    device = torch.device("cuda" if scale == "gpu" and torch.cuda.is_available() else "cpu")
    data = load("digits", seed=seed)
    found, model = pair("digits", data, DIGITS[scale], seed, device)
    found |= classified(data, model, seed, epochs=100 if scale == "quick" else 300)
    if scale in LARGE and there(MNIST):
        large = load(MNIST, seed=seed, limit=LARGE[scale].limit)
        more, model = pair(MNIST, large, LARGE[scale], seed, device)
        found |= more | speed(model, large, device)
    return found


def pair(
    name: str, data: Dataset, budget: Budget, seed: int, device: torch.device
) -> tuple[dict[str, float], ExemplarVAE]:
    """Both models on the same batches from the same first weights: bounds, 5-NN accuracy (%), seconds of training."""
    learned, test = whole(data.train), whole(data.test, budget.test)
    assert learned.y is not None
    assert test.y is not None
    found: dict[str, float] = {}
    for kind in ("gaussian", "exemplar"):
        torch.manual_seed(seed)
        model = made(data, budget, kind).to(device)
        began = time.monotonic()
        fitted(model, data, budget, seed, device)
        found[f"{name}.{kind}.seconds"] = time.monotonic() - began
        if isinstance(model, ExemplarVAE):
            model.refresh()
            found[f"{name}.sigma"] = float(model.sigma.detach())
        found[f"{name}.{kind}.bound"] = bound(model, test.x.to(device), budget.k, seed)
        codes, known = (model.encode(x.to(device)).mean.cpu() for x in (test.x, learned.x))
        found[f"{name}.{kind}.knn"] = 100 * float((vote(codes, known, learned.y, 5) == test.y).float().mean())
    assert isinstance(model, ExemplarVAE)
    return found, model


def made(data: Dataset, budget: Budget, kind: str) -> VAE | ExemplarVAE:
    d_z, n = budget.d_z, len(data.train)
    E = GatedMLP(data.event, (2 * d_z,), width=budget.width)
    D = GatedMLP((d_z,), data.event, width=budget.width)
    beta = linear(max(1, steps(data, budget) // 10))
    if kind == "gaussian":
        return VAE(E, D, Bernoulli(), d_z=d_z, beta=beta, observe=binarised)
    room = {"event": data.event, "capacity": n, "share": budget.share}
    return ExemplarVAE(E, D, Bernoulli(), d_z=d_z, beta=beta, observe=binarised, **room)  # type: ignore[arg-type]


def steps(data: Dataset, budget: Budget, size: int = 100) -> int:
    return budget.epochs * (len(data.train) // size)


def fitted(model: VAE | ExemplarVAE, data: Dataset, budget: Budget, seed: int, device: torch.device) -> None:
    feed = batches(data.train, 100, seed=seed, steps=steps(data, budget), device=device)
    for _ in train(model, feed, Adam(model.parameters(), budget.lr, fused=device.type == "cpu" or None)):
        pass


def bound(model: VAE | ExemplarVAE, x: Tensor, k: int, seed: int) -> float:
    """Nats of test pixels, binarised once: the same for every model of a seed."""
    torch.manual_seed(seed)
    binary = binarised(x)
    return float(torch.cat([model.log_prob(part, k=k, generator=seed) for part in binary.split(250)]).mean())


def speed(model: ExemplarVAE, data: Dataset, device: torch.device, n: int = 8) -> dict[str, float]:
    """Steps a second with retrieval and with all exemplars of an epoch, from where training ended."""
    found = {}
    for name, k in (("retrieval", model.k), ("all", None)):
        model.k = k
        began = time.monotonic()
        for _ in train(model, batches(data.train, 100, steps=n, start=1, device=device), Adam(model.parameters(), 0.0)):
            pass
        found[f"speed.{name}"] = n / (time.monotonic() - began)
    return found


def classified(data: Dataset, model: ExemplarVAE, seed: int, epochs: int, n: int = 100) -> dict[str, float]:
    """Test accuracy (%) of a classifier taught `n` labels, without draws near its samples and with them."""
    learned, test = whole(data.train), whole(data.test)
    assert learned.y is not None
    assert test.y is not None
    found = {}
    for name, share in (("plain", 1.0), ("augmented", 0.4)):
        torch.manual_seed(seed)
        f = GatedMLP(data.event, (int(learned.y.max()) + 1,), width=256)
        taught(f, model, Batch(learned.x[:n], learned.y[:n]), share, epochs)
        with torch.no_grad():
            found[f"{name}.accuracy"] = 100 * float((f(test.x).argmax(1) == test.y).float().mean())
    return found


def taught(f: GatedMLP, model: ExemplarVAE, few: Batch, share: float, epochs: int) -> None:
    optimiser = SGD(f.parameters(), 0.1, momentum=0.9)
    rates = LinearLR(optimiser, 1.0, 0.0, epochs)
    assert few.y is not None
    device = model.log_variance.device
    for _ in range(epochs):
        drawn = model.variants(few.x.to(device), 1, mean=True)[:, 0].cpu() if share < 1 else few.x
        optimiser.zero_grad()
        augmented_cross_entropy(f, few.x, drawn, few.y, share=share).mean().backward()
        optimiser.step()
        rates.step()


def gains(name: str, what: str, least: float) -> Verdict:
    """The mean over the seeds of ours less the Gaussian prior's, of the same seed, is `least` or more."""

    def holds(seeds: Sequence[Numbers]) -> bool:
        return fmean(n[f"{name}.exemplar.{what}"] - n[f"{name}.gaussian.{what}"] for n in seeds) >= least

    return holds


def no_harm(seeds: Sequence[Numbers]) -> bool:
    return fmean(n["augmented.accuracy"] - n["plain.accuracy"] for n in seeds) >= -1


DIGIT_CLAIMS = (
    Claim("digits: bound, nats (gain 0.15 or more)", "digits.exemplar.bound", None, "digits.gaussian.bound",
          gains("digits", "bound", 0.15)),
    Claim("digits: bound, nats (any gain)", "digits.exemplar.bound", None, "digits.gaussian.bound",
          gains("digits", "bound", 0.0), SCALES),
    Claim("digits: 5-NN accuracy of codes, %", "digits.exemplar.knn", None, "digits.gaussian.knn",
          gains("digits", "knn", -0.5)),
    Claim("digits: classifier of 100 labels with draws, %", "augmented.accuracy", "98.83 → 99.31 (MNIST, all labels)",
          "plain.accuracy", no_harm),
    Claim("digits: seconds of training", "digits.exemplar.seconds", None, "digits.gaussian.seconds"),
    Claim("digits: σ of the prior", "digits.sigma"),
)  # fmt: skip

LARGE_CLAIMS = (
    Claim("MNIST: bound, nats", "mnist.exemplar.bound", "−84.45 → −82.09 (IW-5000)", "mnist.gaussian.bound",
          gains("mnist", "bound", 0.0)),
    Claim("MNIST: 5-NN accuracy of codes, %", "mnist.exemplar.knn", "98.87 ± 0.06", "mnist.gaussian.knn"),
    Claim("MNIST: seconds of training", "mnist.exemplar.seconds", None, "mnist.gaussian.seconds"),
    Claim("MNIST: steps a second by retrieval, against all exemplars of an epoch", "speed.retrieval", None, "speed.all",
          for_each(lambda n: n["speed.retrieval"] > n["speed.all"])),
    Claim("MNIST: σ of the prior", "mnist.sigma"),
)  # fmt: skip

CARD = Card(
    "exemplar-vae",
    "Exemplar VAE: Linking Generative Models, Nearest Neighbor Retrieval, and Data Augmentation",
    "https://arxiv.org/abs/2004.04795",
    "Two gated layers each way, as in the paper; the exemplar prior has one σ, half of the exemplars an epoch (two "
    "fifths of the digits), leave-one-out, 10 neighbours a sample, and at test all exemplars. Same networks, batches "
    "and steps for both; the exemplar prior costs more seconds, which are shown. Bounds on test pixels binarised once: "
    "IW-200 on digits (50 if quick), IW-64 on 1000 test samples of MNIST (IW-5000 at full size). MNIST at laptop size "
    "learns from 12 000 samples at most. Plain Adam stands for the paper's Adam on normalised gradients. A gain from "
    "augmentation is not claimed at this size: no harm is.",
    measure,
    DIGIT_CLAIMS + (LARGE_CLAIMS if there(MNIST) else ()),
)
