"""The images of the card `tweedie`: one network that denoises, and one that draws by walking down the levels.

Pascal Vincent. A Connection Between Score Matching and Denoising Autoencoders. 2011.
https://doi.org/10.1162/NECO_a_00142
Yang Song, Stefano Ermon. Improved Techniques for Training Score-Based Generative Models. 2020.
https://arxiv.org/abs/2006.09011
"""

from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Adam

from likeness.core import Method, train
from likeness.data import Dataset, batches, load, whole
from likeness.energy.denoising import denoising
from likeness.energy.ncsn import NCSN
from likeness.energy.scores import ScoreMatching
from likeness.judge import classifier
from likeness.judge.features import features_of
from likeness.judge.frechet import frechet_distance
from likeness.nn import average
from likeness.nn.time_mlp import TimeMLP
from likeness.nn.vector import ResidualMLP
from likeness.papers.card import SCALES, Claim, for_each
from likeness.sampling import draw

SIGMA, WIDTH, DRAWS = 0.3, 256, 1000
M = TypeVar("M", bound=Method)


class Flat(nn.Module):
    """A network of vectors for images; its numbers are those of noise over σ."""

    def __init__(self, network: nn.Module, over: float = 1.0) -> None:
        super().__init__()
        self.network, self.over = network, over

    def forward(self, x: Float[Tensor, "n c h w"], *told: Tensor) -> Float[Tensor, "n c h w"]:
        return self.network(x.flatten(1), *told).view_as(x) / self.over


def measure(steps: int, walk_steps: int, seed: int) -> dict[str, float]:
    """Digits: mean squared errors of three denoisers; Fréchet distances of draws, in the space of a classifier."""
    data = load("digits", seed=seed)
    return denoisers(data, steps, seed) | draws(data, walk_steps, seed)


def denoisers(data: Dataset, steps: int, seed: int) -> dict[str, float]:
    """A network, Wiener's filter (the best linear one), and leaving the noise where it is; per pixel."""
    learned, x = whole(data.train).x, whole(data.test).x
    torch.manual_seed(seed)
    y, d = x + SIGMA * torch.randn_like(x), x[0].numel()
    method = ScoreMatching(Flat(ResidualMLP(d, d, width=WIDTH, activation=nn.SiLU), SIGMA), denoising(SIGMA))
    best = trained(method, data, steps, seed)
    return {
        "digits.network": float((best.denoise(y, SIGMA) - x).square().mean()),
        "digits.wiener": float((wiener(learned, y, SIGMA) - x).square().mean()),
        "digits.half": SIGMA**2 / 2,
        "digits.noise": float((y - x).square().mean()),
    }


def wiener(learned: Tensor, y: Tensor, sigma: float) -> Tensor:
    """Each principal component of y shrunk by the share of its variance that is not noise."""
    f, mean = learned.flatten(1).double(), learned.flatten(1).double().mean(0)
    C = (f - mean).T @ (f - mean) / len(f)
    gain = torch.linalg.solve(C + sigma**2 * torch.eye(len(C)).to(C), C)
    return (mean + (y.flatten(1).double() - mean) @ gain).to(y).view_as(y)


def draws(data: Dataset, steps: int, seed: int) -> dict[str, float]:
    """Draws of annealed chains, of pixels each from its own column of the training set, and held-out digits."""
    learned, test = whole(data.train), whole(data.test)
    assert learned.y is not None
    torch.manual_seed(seed)
    d = learned.x[0].numel()
    model = trained(NCSN(Flat(TimeMLP(d, width=WIDTH)), data.event, sigma_last=0.02), data, steps, seed)
    space = classifier(learned.x, learned.y, seed=seed)
    reference = features_of(space, test.x)

    def distance(x: Tensor) -> float:
        return float(frechet_distance(features_of(space, x), reference))

    return {
        "draws.frechet": distance(draw(model.sample, DRAWS, generator=seed)),
        "pixels.frechet": distance(independent(learned.x, DRAWS, seed)),
        "real.frechet": distance(whole(data.validation).x),
        "draws.steps": float(model.steps * len(model.sigmas)),
    }


def independent(x: Tensor, n: int, seed: int) -> Tensor:
    """Every pixel of a draw is that of another training image: each right by itself, and nothing together."""
    rows = torch.randint(len(x), (n, x[0].numel()), generator=torch.Generator().manual_seed(seed))
    return x.flatten(1).gather(0, rows).unflatten(1, x.shape[1:])


def trained(method: M, data: Dataset, steps: int, seed: int) -> M:
    """Its average at the end of a training whose learning rate falls to zero."""
    moves, ema = Adam(method.parameters(), 1e-3), average(method, 0.995)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(moves, steps)
    for _ in train(method, batches(data.train, 128, seed=seed, steps=steps), moves):
        fall.step()
        ema.update(method)
    return ema.module  # type: ignore[return-value]


CLAIMS = (
    Claim("digits, σ = .3: squared error of the network's denoising (that of the best linear filter beside it)",
          "digits.network", None, "digits.wiener",
          for_each(lambda n: n["digits.network"] < min(n["digits.wiener"], n["digits.half"])), SCALES),
    Claim("… half of the noise's", "digits.half", None, "digits.noise"),
    Claim("draws of annealed chains: Fréchet distance (independent pixels beside it)", "draws.frechet", None,
          "pixels.frechet", for_each(lambda n: n["draws.frechet"] < n["pixels.frechet"]), SCALES),
    Claim("held-out digits: Fréchet distance", "real.frechet", None, "draws.frechet", None),
)  # fmt: skip
