"""Card: Representation Learning via Invariant Causal Mechanisms (2021).

The embedded digits, without labels: contrast alone (α = 0) and with the penalty on similarities that differ between
pairs of views (α = 1 and 5). Then probes: with all labels, with three a class, and on test images in another style
(moved, bent, darkened and noisy, as views are), which pixels do not survive. Invariance is measured on test images.

Jovana Mitrovic, Brian McWilliams, Jacob Walker, Lars Buesing, Charles Blundell. 2020. https://arxiv.org/abs/2010.07922
"""

from collections.abc import Callable
from statistics import fmean
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from likeness.data import load
from likeness.papers._representations import Budget, Ground, invariant, learned, untrained
from likeness.papers.card import Card, Claim, Numbers, Scale, for_each
from likeness.recipes.measuring import features
from likeness.represent.invariance import relic
from likeness.represent.measures import linear_discriminant_ratio
from likeness.represent.probes import few_labels, fitted_linear

ALPHAS = (0, 1, 5)
SHOTS, DRAWS = 3, 10  # labels a class, and how often they are drawn


class Effort(NamedTuple):
    """How long an encoder learns, and how it is looked at."""

    budget: Budget
    draws: int


EFFORTS: dict[Scale, Effort] = {
    "quick": Effort(Budget(256, 128, 2, 64, 8), 2),
    "laptop": Effort(Budget(1300, 400, 60, 256, 32), DRAWS),
    "gpu": Effort(Budget(1300, 400, 400, 256, 64), DRAWS),
}


def measure(seed: int, scale: Scale) -> Numbers:
    effort = EFFORTS[scale]
    here = Ground(load("digits", seed=seed, limit=effort.budget.train), effort.budget, seed, torch.device("cpu"))
    found = looked_at("pixels", nn.Flatten(), here, effort) | looked_at("random", untrained(here), here, effort)
    for alpha in ALPHAS:
        method = learned(invariant(alpha), here)
        found |= looked_at(f"alpha{alpha}", method.encode, here, effort)
        found[f"alpha{alpha}.invariance"] = invariance(method, here)
    return found


def looked_at(name: str, encode: Callable[[Tensor], Tensor], here: Ground, effort: Effort) -> dict[str, float]:
    """Accuracy in percent of probes with all labels, with few, and in another style; how far classes stand apart."""
    train, test = here.part("train"), here.part("test")
    assert train.y is not None
    assert test.y is not None
    shifted = here.view(test.x, generator=here.seed)
    z, z_test, z_shifted = (features(encode, x, device="cpu") for x in (train.x, test.x, shifted))
    probe = fitted_linear(z, train.y)
    few = few_labels(z, train.y, z_test, test.y, per_class=SHOTS, draws=effort.draws, seed=here.seed)
    ratios = linear_discriminant_ratio(z_test, test.y)
    return {
        f"{name}.linear": 100 * probe.accuracy(z_test, test.y),
        f"{name}.few": 100 * fmean(few),
        f"{name}.shifted": 100 * probe.accuracy(z_shifted, test.y),
        f"{name}.apart": float(ratios[~torch.eye(len(ratios), dtype=torch.bool)].nanmean()),
    }


@torch.no_grad()
def invariance(method: Any, here: Ground) -> float:
    """KL both ways between the similarities of the two pairs of views, on test images."""
    a, b = (method.project(here.view(here.part("test").x, generator=i)) for i in range(2))
    return float(relic(a, b, a, b, tau=method.tau)[1].mean())


def gain(numbers: Any, alpha: int) -> float:
    return fmean(n[f"alpha{alpha}.few"] - n["alpha0.few"] for n in numbers)


CARD = Card(
    "relic",
    "Representation Learning via Invariant Causal Mechanisms (ReLIC)",
    "https://arxiv.org/abs/2010.07922",
    __doc__.split("\n\n")[1].replace("\n", " "),
    measure,
    (
        Claim("α = 5: divergence of similarities on test images, half that of α = 0 or less", "alpha5.invariance", None,
              "alpha0.invariance", for_each(lambda n: n["alpha5.invariance"] <= n["alpha0.invariance"] / 2)),
        Claim("α = 1: the same", "alpha1.invariance", None, "alpha0.invariance"),
        Claim("α = 1: test images in another style, %; 15 above pixels", "alpha1.shifted", None, "pixels.shifted",
              for_each(lambda n: n["alpha1.shifted"] >= n["pixels.shifted"] + 15)),
        Claim("… beside α = 0", "alpha1.shifted", None, "alpha0.shifted"),
        Claim("… beside the untrained network", "alpha1.shifted", None, "random.shifted"),
        Claim("α = 1: three labels a class, %; not below α = 0 in the mean", "alpha1.few", None, "alpha0.few",
              lambda numbers: gain(numbers, 1) >= 0),
        Claim("α = 5: the same", "alpha5.few", None, "alpha0.few", lambda numbers: gain(numbers, 5) >= 0, ()),
        Claim("α = 1: all labels, %; at most .5 below α = 0 in the mean", "alpha1.linear", "70.3 (ImageNet)",
              "alpha0.linear", lambda numbers: fmean(n["alpha1.linear"] - n["alpha0.linear"] for n in numbers) >= -0.5),
        Claim("α = 1: discriminant ratio of classes", "alpha1.apart", "higher", "alpha0.apart"),
    ),
)  # fmt: skip
