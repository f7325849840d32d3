"""Score matching held against what is known: its identities, a closed form, and what a step costs as dimensions grow.

Aapo Hyvärinen. Estimation of Non-Normalized Statistical Models by Score Matching. 2005.
https://www.jmlr.org/papers/v6/hyvarinen05a.html
Yang Song, Sahaj Garg, Jiaxin Shi, Stefano Ermon. Sliced Score Matching. 2019. https://arxiv.org/abs/1905.07088
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.optim import Adam

from likeness.core import learn
from likeness.data.batch import Batch
from likeness.energy.conservative import Conservative
from likeness.energy.denoising import denoising
from likeness.energy.score_matching import exact, fisher_divergence
from likeness.energy.scores import ScoreMatching
from likeness.energy.sliced import rademacher, variance_reduced
from likeness.nn.vector import MLP, VectorCritic
from likeness.papers._langevin import two
from likeness.papers.card import SCALES, Claim, for_each

PART = 20_000  # samples whose costs are taken at once
COSTS = {"exact": exact, "sliced": variance_reduced, "denoising": denoising(0.5)}


def measure(n: int, points: int, dimensions: Sequence[int], rounds: int, seed: int) -> dict[str, float]:
    """All of it: identities on `n` samples, the closed form on `points`, steps at these `dimensions`."""
    return scores(n, seed) | identities(n, seed) | gaussian(points, seed) | costs(dimensions, rounds, seed)


def scores(n: int, seed: int) -> dict[str, float]:
    """What a constant in the energy does to its score, and the mean of the score of data."""

    class Raised(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return energy(x) + 123.4

    torch.manual_seed(seed)
    energy, truth = VectorCritic(2, activation=nn.SiLU), two(2.5)
    x = truth.sample(n, generator=seed)
    moved = Conservative(Raised())(x[:1000]) - Conservative(energy)(x[:1000])
    s = truth.score(x)
    errors = s.mean(0) / (s.std(0) / n**0.5)
    return {
        "constant": float(moved.detach().abs().max()),
        "mean": float(s.mean(0).abs().max()),
        "mean.errors": float(errors.abs().max()),
    }


def identities(n: int, seed: int) -> dict[str, float]:
    """The Fisher divergence of an arbitrary network, and what score matching and its slices say it is."""
    torch.manual_seed(seed)
    s, truth = MLP(2, 2, width=32, depth=2, activation=nn.Tanh), two(1.2)
    x = truth.sample(n, generator=seed)
    with torch.no_grad():
        parts = [(part, truth.score(part)) for part in x.split(PART)]
        fisher = torch.cat([fisher_divergence(s, part, true) for part, true in parts]).double()
        constant = torch.cat([true.square().sum(1) / 2 for _, true in parts]).double()
        found = {f: torch.cat([f(s, part) for part, _ in parts]).double() + constant for f in (exact, rademacher)}
    apart = {f: (value - fisher) for f, value in found.items()}
    return {
        "fisher": float(fisher.mean()),
        "fisher.exact": float(found[exact].mean()),
        "fisher.sliced": float(found[rademacher].mean()),
        "fisher.exact.errors": float(apart[exact].mean().abs() / apart[exact].std() * n**0.5),
        "fisher.sliced.errors": float(apart[rademacher].mean().abs() / apart[rademacher].std() * n**0.5),
    }


class Linear(nn.Module):
    """s(x) = −A (x − b)."""

    def __init__(self) -> None:
        super().__init__()
        self.A, self.b = nn.Parameter(torch.eye(2)), nn.Parameter(torch.zeros(2))

    def forward(self, x: Tensor) -> Tensor:
        return -(x - self.b) @ self.A.T


def gaussian(n: int, seed: int) -> dict[str, float]:
    """The least of exact score matching over linear scores, against the inverse covariance and the mean."""
    S, mean = torch.tensor([[2.0, 0.8], [0.8, 1.0]]), torch.tensor([1.0, -1.0])
    torch.manual_seed(seed)
    x, s = torch.randn(n, 2) @ torch.linalg.cholesky(S).T + mean, Linear()
    moves = torch.optim.LBFGS(s.parameters(), max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        moves.zero_grad()
        loss = exact(s, x).mean()
        loss.backward()
        return loss

    moves.step(closure)
    A, b = s.A.detach(), s.b.detach()
    return {
        "gaussian.A": float((A - torch.linalg.inv(S)).abs().max()),
        "gaussian.b": float((b - mean).abs().max()),
        "gaussian.sample": float((A - torch.linalg.inv(x.T.cov())).abs().max()),
    }


def costs(dimensions: Sequence[int], rounds: int, seed: int) -> dict[str, float]:
    """Milliseconds of a training step (batch 64, a perceptron of width 128), medians of interleaved rounds."""
    torch.manual_seed(seed)
    work: dict[str, Callable[[], object]] = {}
    for d in dimensions:
        batch = Batch(torch.randn(64, d))
        for name, objective in COSTS.items():
            method = ScoreMatching(MLP(d, d, activation=nn.SiLU), objective)
            work[f"ms.{name}.{d}"] = partial(learn, method, batch, Adam(method.parameters()))
    found = interleaved(work, rounds)
    low, high = min(dimensions), max(dimensions)
    growth = {f"growth.{name}": found[f"ms.{name}.{high}"] / found[f"ms.{name}.{low}"] for name in COSTS}
    return found | growth


def interleaved(work: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Milliseconds of the processor that each takes: medians of rounds in which all have their turn."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(rounds + 1):
        for name, step in work.items():
            began = time.process_time()
            step()
            if turn:
                times[name].append(1000 * (time.process_time() - began))
    return {name: statistics.median(t) for name, t in times.items()}


def _timed(d: int) -> list[Claim]:
    return [
        Claim(f"{d} dimensions, ms a step: sliced (exact trace beside it)", f"ms.sliced.{d}", None, f"ms.exact.{d}"),
        Claim(f"{d} dimensions, ms a step: denoising", f"ms.denoising.{d}", None, f"ms.exact.{d}"),
    ]


CLAIMS = (
    Claim("an energy raised by 123.4: largest change of its score", "constant", "0", None,
          for_each(lambda n: n["constant"] == 0), SCALES),
    Claim("mean score of the data, in standard errors", "mean.errors", "0", None,
          for_each(lambda n: n["mean.errors"] < 4), SCALES),
    Claim("score matching + constant against the Fisher divergence", "fisher.exact", "equal", "fisher",
          for_each(lambda n: n["fisher.exact.errors"] < 3.5), SCALES),
    Claim("sliced score matching + constant", "fisher.sliced", "equal", "fisher",
          for_each(lambda n: n["fisher.sliced.errors"] < 3.5), SCALES),
    Claim("Gaussian: largest error of A against Σ⁻¹", "gaussian.A", "0", None,
          for_each(lambda n: n["gaussian.A"] < 0.05 and n["gaussian.sample"] < 1e-3), SCALES),
    Claim("Gaussian: largest error of b against the mean", "gaussian.b", "0", None,
          for_each(lambda n: n["gaussian.b"] < 0.05), SCALES),
    *_timed(2), *_timed(16), *_timed(64), *_timed(256),
    Claim("exact trace: cost at the most dimensions over that at two", "growth.exact", "grows with d", "growth.sliced",
          for_each(lambda n: n["growth.exact"] > 5 * n["growth.sliced"] and n["growth.sliced"] < 6), ("laptop", "gpu")),
)  # fmt: skip
