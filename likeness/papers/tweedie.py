"""Card: the best guess behind a noisy sample is a step along the score, and what denoising learns of it.

The formula and the identity of denoising are held against posteriors in closed form; then a network learns the score
at several noise levels, and networks denoise and draw digits.

Koichi Miyasawa. An empirical Bayes estimator of the mean of a normal population. 1961.
Bradley Efron. Tweedie's Formula and Selection Bias. 2011. https://doi.org/10.1198/jasa.2011.tm11181
Pascal Vincent. A Connection Between Score Matching and Denoising Autoencoders. 2011.
https://doi.org/10.1162/NECO_a_00142
"""

from typing import NamedTuple

import torch
from torch import nn

from likeness.data.truth import Mixture
from likeness.energy.denoising import denoised, missing
from likeness.energy.score_matching import fisher_divergence
from likeness.energy.tweedie import denoise, posterior, posterior_covariance
from likeness.nn.vector import MLP
from likeness.papers import _denoised_digits
from likeness.papers._langevin import BOX, two
from likeness.papers._score_networks import field, learned, relative_error
from likeness.papers.card import SCALES, Card, Claim, Numbers, Scale, for_each

SIGMAS = (1.0, 0.5, 0.1, 0.02)


class Budget(NamedTuple):
    """Samples of the identity; steps of the networks of each level, of the denoiser of digits and of what draws
    them."""

    samples: int
    steps: int
    digits: int
    walks: int


BUDGETS: dict[Scale, Budget] = {
    "quick": Budget(100_000, 300, 500, 1000),
    "laptop": Budget(400_000, 2500, 3000, 3000),
    "gpu": Budget(4_000_000, 20_000, 10_000, 20_000),
}


def measure(seed: int, scale: Scale) -> Numbers:
    b = BUDGETS[scale]
    return {
        **formula(seed),
        **between(),
        **identity(b.samples, seed),
        **levels(b.steps, seed),
        **_denoised_digits.measure(b.digits, b.walks, seed),
    }


def formula(seed: int, n: int = 5000, sigma: float = 0.5) -> dict[str, float]:
    """Both sides of the formula and of the covariance, in double precision; squared errors of three guesses."""
    truth = two(1.2)
    noise = torch.randn(n, 2, dtype=torch.double, generator=torch.Generator().manual_seed(seed))
    x = truth.sample(n, generator=seed).double()
    y = x + sigma * noise
    known, noisy = posterior(truth, y, sigma), truth.noised(sigma)
    apart = posterior_covariance(noisy.score, y, sigma) - known.covariance
    guesses = {"raw": y, "mean": known.mean, "mode": known.mode()}
    return {
        "formula": float((denoise(noisy.score, y, sigma) - known.mean).abs().max()),
        "covariance": float(apart.abs().max()),
    } | {f"mse.{name}": float((guess - x).square().mean()) for name, guess in guesses.items()}


def between() -> dict[str, float]:
    """On a line, y near the middle of two modes: where the posterior's mean and its highest point lie."""
    truth = Mixture(torch.tensor([[-1.0], [1.0]]), 0.2, weights=torch.tensor([0.45, 0.55]))
    known = posterior(truth, torch.zeros(1, 1, dtype=torch.double), 1.0)
    density = {name: known.log_prob(x).exp() for name, x in (("mean", known.mean), ("mode", known.mode()))}
    return {
        "between.mean": float(known.mean),
        "between.mode": float(known.mode()),
        "between.density": float(density["mean"] / density["mode"]),
    }


@torch.no_grad()
def identity(n: int, seed: int, sigma: float = 0.5) -> dict[str, float]:
    """Denoising's objective minus the Fisher divergence of the noisy density, for a random network; the constant."""
    torch.manual_seed(seed)
    s, truth = MLP(2, 2, width=32, depth=2, activation=nn.Tanh), two(2.5)
    x = truth.sample(n, generator=seed)
    noise = torch.randn_like(x)
    y = x + sigma * noise
    true = truth.noised(sigma).score(y)
    gap = (denoised(s, x, noise, sigma) - fisher_divergence(s, y, true)).double()
    constant = missing(true, sigma).double()
    apart = gap - constant
    return {
        "gap": float(gap.mean()),
        "gap.constant": float(constant.mean()),
        "gap.errors": float(apart.mean().abs() / apart.std() * n**0.5),
    }


def levels(steps: int, seed: int) -> dict[str, float]:
    """Relative squared errors (%) of learned scores, on noisy data and on a box; of the noisy score for the data's."""
    truth = two(2.5)
    found: dict[str, float] = {}
    box = BOX * (2 * torch.rand(5000, 2, generator=torch.Generator().manual_seed(seed)) - 1)
    x = truth.sample(5000, generator=seed + 1)
    for sigma in SIGMAS:
        torch.manual_seed(seed)
        s, noisy = learned(Scaled(field(), sigma), truth, sigma, steps, seed), truth.noised(sigma)
        bias = (noisy.score(x) - truth.score(x)).square().sum() / truth.score(x).square().sum()
        found |= {
            f"{sigma:g}.data": 100 * relative_error(s, truth, sigma, noisy.sample(5000, generator=seed + 1)),
            f"{sigma:g}.box": 100 * relative_error(s, truth, sigma, box),
            f"{sigma:g}.bias": 100 * float(bias),
        }
    return found


class Scaled(nn.Module):
    """A network of −ε for a score."""

    def __init__(self, network: nn.Module, sigma: float) -> None:
        super().__init__()
        self.network, self.sigma = network, sigma

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x) / self.sigma


def _level(sigma: float) -> list[Claim]:
    return [
        Claim(f"σ = {sigma:g}: relative squared error on noisy data, % (on a box beside it)", f"{sigma:g}.data", None,
              f"{sigma:g}.box"),
        Claim(f"σ = {sigma:g}: by how much the noisy score misses the data's, %", f"{sigma:g}.bias", None, None),
    ]  # fmt: skip


CLAIMS = (
    Claim("y + σ² ∇ log p_σ(y) against the posterior's mean: largest difference", "formula", "0", None,
          for_each(lambda n: n["formula"] < 1e-12), SCALES),
    Claim("σ² (I + σ² ∇² log p_σ) against its covariance: largest difference", "covariance", "0", None,
          for_each(lambda n: n["covariance"] < 1e-12), SCALES),
    Claim("squared error of the posterior's mean (of y beside it)", "mse.mean", None, "mse.raw",
          for_each(lambda n: n["mse.mean"] < n["mse.raw"]), SCALES),
    Claim("squared error of the posterior's highest point", "mse.mode", None, "mse.mean",
          for_each(lambda n: n["mse.mode"] > n["mse.mean"]), SCALES),
    Claim("y = 0 between modes at −1 and 1: the highest point (the mean beside it)", "between.mode", None,
          "between.mean", for_each(lambda n: n["between.mode"] > 0.9 and n["between.mean"] < 0.2), SCALES),
    Claim("… the posterior's density at the mean, over that at its highest point", "between.density", None, None,
          for_each(lambda n: n["between.density"] < 0.01), SCALES),
    Claim("denoising − Fisher divergence of the noisy density (the constant beside it)", "gap", "equal",
          "gap.constant", for_each(lambda n: n["gap.errors"] < 3.5), SCALES),
    *(claim for sigma in SIGMAS for claim in _level(sigma)),
    Claim("with little noise the score is learned worse: σ = .02, % (σ = 1 beside it)", "0.02.data", None, "1.data",
          for_each(lambda n: n["0.02.data"] > 3 * n["1.data"])),
    Claim("with much noise it is another score: σ = 1, % (σ = .02 beside it)", "1.bias", None, "0.02.bias",
          for_each(lambda n: n["1.bias"] > 100 * n["0.02.bias"]), SCALES),
    Claim("where data are rare nothing is learned: σ = .5, error on a box, % (on noisy data beside it)", "0.5.box",
          None, "0.5.data", for_each(lambda n: all(n[f"{s:g}.box"] > n[f"{s:g}.data"] for s in SIGMAS)),
          ("laptop", "gpu")),
)  # fmt: skip

CARD = Card(
    "tweedie",
    "Tweedie's formula and denoising score matching",
    "https://doi.org/10.1162/NECO_a_00142",
    "For a mixture of Gaussians the step along the score of noisy samples is the posterior's mean to the last digits, "
    "and its slope the posterior's covariance. The mean has the least squared error; the highest point has more, and "
    "between two modes the mean lies where nothing is. Denoising is the Fisher divergence of the noisy density up to a "
    "constant. What a network learns at a small noise level varies more, at a large one it is the score of another "
    "density, and where data are rare it is worse at every level. A network that denoises digits beats the best linear "
    "filter, and annealed chains draw digits far nearer to real ones than independent pixels are.",
    measure,
    CLAIMS + _denoised_digits.CLAIMS,
)
