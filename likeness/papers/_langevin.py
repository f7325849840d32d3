"""Langevin chains where the law is known: what they get right within a mode, and wrong between modes that lie apart.

x ← x + ε s(x) + √(2ε) z with exact scores of two Gaussians of unequal weight, from uniform starts. Beside them chains
through falling noise levels, as NCSN draws.

Gareth O. Roberts, Richard L. Tweedie. Exponential convergence of Langevin distributions and their discrete
approximations. 1996. https://doi.org/10.2307/3318418
Yang Song, Stefano Ermon. Generative Modeling by Estimating Gradients of the Data Distribution. 2019.
https://arxiv.org/abs/1907.05600
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.chains.annealed import annealed_langevin
from likeness.chains.langevin import unadjusted
from likeness.chains.verdict import MIXED, verdict
from likeness.data.truth import Mixture
from likeness.energy.ncsn import geometric, step_size
from likeness.papers.card import SCALES, Claim, for_each
from likeness.sampling import Streams

STD, SMALL, EPS = 0.8, 0.2, 0.05
THEORY = STD / math.sqrt(1 - EPS / (2 * STD**2))  # what steps of this size make of a Gaussian's deviation
BOX, SHORT, KEPT = 6.0, 500, 5  # starts are uniform in a box; steps of the first look; of how many states one is kept


def two(apart: float) -> Mixture:
    """A large mode and a small one."""
    return Mixture(torch.tensor([[apart, apart], [-apart, -apart]]), STD, weights=torch.tensor([1 - SMALL, SMALL]))


def measure(chains: int, steps: int, seed: int) -> dict[str, float]:
    """Far modes after few and many steps, without noise, and by levels; near modes."""
    far, near, source = two(2.5), two(1.2), Streams(seed)
    trace = walked(far, chains, steps, source.split("far"))
    short, told = trace[SHORT // KEPT - 1], verdict(trace[len(trace) // 2 :], far.modes)
    still = walked(far, chains, SHORT, source.split("still"), temperature=0.0)[-1]
    close = walked(near, chains, steps, source.split("near"))
    mixed = verdict(close[len(close) // 2 :])
    x, true = close[-1], near.sample(200_000, generator=seed)
    return {
        "far.std": within(short),
        "far.std.theory": THEORY,
        "far.share": small(short),
        "far.share.late": small(trace[-1]),
        "share": SMALL,
        "far.rhat": told.rhat,
        "far.flagged": float(any(f.code == "not-crossed" for f in told.findings)),
        "still.std": within(still),
        "near.share": small(x),
        "near.share.true": small(true),
        "near.covariance": float((x.T.cov() / true.T.cov() - 1).abs().max()),
        "near.rhat": mixed.rhat,
    } | levels(far, chains, source.split("levels"))


def walked(
    truth: Mixture, chains: int, steps: int, source: Streams, *, temperature: float = 1.0
) -> Float[Tensor, "kept chains 2"]:
    """States of chains that begin anywhere."""
    x = BOX * (2 * source.split("start").uniform(chains, 2) - 1)
    walk = unadjusted(truth.score, x, steps=steps, step_size=2 * EPS, source=source, temperature=temperature)
    return torch.stack([x for i, x in enumerate(walk, 1) if i % KEPT == 0])


def levels(truth: Mixture, chains: int, source: Streams) -> dict[str, float]:
    """Chains through falling levels of noise, closer and with more steps, by the exact scores of each."""
    found: dict[str, float] = {}
    for name, gamma, steps in (("coarse", 100 ** (1 / 9), 5), ("fine", 1.1, 40)):
        sigmas = geometric(10.0, 0.05, gamma)
        x, eps = 10 * source.split("start").normal(chains, 2), step_size(gamma, steps) * 0.05**2
        walk = annealed_langevin(
            lambda x, sigma: truth.noised(float(sigma[0])).score(x), x, sigmas, steps=steps, eps=eps, source=source
        )
        *_, x = walk
        found |= {f"{name}.share": small(x), f"{name}.std": within(x), f"{name}.steps": float(len(sigmas) * steps)}
    return found


def small(x: Float[Tensor, "n 2"]) -> float:
    """The share of the smaller mode's side."""
    return float((x.sum(1) < 0).float().mean())


def within(x: Float[Tensor, "n 2"]) -> float:
    """The standard deviation within the larger mode, of the draws on its side."""
    return float(x[x.sum(1) > 0].var(0).mean().sqrt())


CLAIMS = (
    Claim("far modes, ε = .05, 500 steps: deviation within a mode (theory beside it)", "far.std", None,
          "far.std.theory", for_each(lambda n: abs(n["far.std"] / n["far.std.theory"] - 1) < 0.04), SCALES),
    Claim("far modes, 500 steps: share of the small mode, which is wrong", "far.share", None, "share",
          for_each(lambda n: n["far.share"] > 0.4), SCALES),
    Claim("far modes, all steps: share of the small mode, still wrong", "far.share.late", None, "share",
          for_each(lambda n: n["far.share.late"] > 0.35), SCALES),
    Claim("far modes: R̂ of the chains, which says so", "far.rhat", None, "near.rhat",
          for_each(lambda n: n["far.rhat"] > MIXED and n["far.flagged"] == 1), SCALES),
    Claim("without noise: deviation within a mode", "still.std", None, "far.std.theory",
          for_each(lambda n: n["still.std"] < 1e-3), SCALES),
    Claim("near modes: share of the small one's side", "near.share", None, "near.share.true",
          for_each(lambda n: abs(n["near.share"] - n["near.share.true"]) < 0.02), SCALES),
    Claim("near modes: largest relative error of the covariance", "near.covariance", None, None,
          for_each(lambda n: n["near.covariance"] < 0.1), SCALES),
    Claim("near modes: R̂ of the chains", "near.rhat", None, None,
          for_each(lambda n: n["near.rhat"] < MIXED), SCALES),
    Claim("far modes, falling noise, 5 steps a level: share of the small mode", "coarse.share", None, "share", None),
    Claim("far modes, closer levels, 40 steps each: share of the small mode", "fine.share", None, "coarse.share",
          for_each(lambda n: abs(n["fine.share"] - SMALL) < 0.03), SCALES),
    Claim("… and deviation within the large mode", "fine.std", None, "coarse.std",
          for_each(lambda n: abs(n["fine.std"] / STD - 1) < 0.05), SCALES),
)  # fmt: skip
