"""Card: what the adversarial objective measures, how a game on a ring of Gaussians chases its modes, and the repair.

The settings of the chase are those of the unrolled GAN's toy, with one change: the generator learns ten times as
fast as its critic. The repair changes two things, so each of them is also tried alone.

Ian Goodfellow et al. Generative Adversarial Networks. 2014. https://arxiv.org/abs/1406.2661
Luke Metz, Ben Poole, David Pfau, Jascha Sohl-Dickstein. Unrolled Generative Adversarial Networks. 2017.
https://arxiv.org/abs/1611.02163
Lars Mescheder, Andreas Geiger, Sebastian Nowozin. Which Training Methods for GANs do actually Converge? 2018.
https://arxiv.org/abs/1801.04406
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Adam

from likeness.core import train
from likeness.data import Dataset, InMemory, Mixture, batches, load
from likeness.data.toys import two_normals
from likeness.gan import GAN, Penalty, minimax, r1, unrolled
from likeness.gan.identities import (
    Fit,
    fit_gaussian,
    gaussian,
    jsd,
    kl,
    optimal_critic,
    reverse_kl,
    value,
    value_at_optimum,
)
from likeness.judge.monitors import Modes
from likeness.nn import MLP, VectorCritic
from likeness.papers.card import SCALES, Card, Claim, Numbers, Scale, Verdict, for_each
from likeness.sampling import draw

LAST = 5  # looks at the end, all of which have to find every mode


class Budget(NamedTuple):
    """Steps of a game, steps between two looks at its samples, and steps of a critic alone."""

    steps: int
    every: int
    alone: int


BUDGETS: dict[Scale, Budget] = {
    "quick": Budget(400, 50, 300),
    "laptop": Budget(6000, 250, 2000),
    "gpu": Budget(30_000, 250, 20_000),
}


@dataclass(frozen=True)
class Setting:
    """One game on the ring: the size of z, the critic's learning rate (the generator's is 1e-3), what else differs."""

    d_z: int = 256
    lr: float = 1e-4
    orthogonal: bool = True
    share: float = 1.0  # of the budget's steps
    options: Mapping[str, Any] = field(default_factory=dict)


R1 = Penalty(r1, 0.1)
SETTINGS = {
    "minimax": Setting(2, 1e-3, orthogonal=False, options={"loss": minimax}),
    "log": Setting(2, 1e-3, orthogonal=False),
    "chase": Setting(),
    "repair": Setting(lr=1e-3, options={"penalty": R1}),
    "rate": Setting(lr=1e-3),
    "r1": Setting(share=0.5, options={"penalty": R1}),
    "unrolled": Setting(share=0.25, options={"opponent": unrolled(5, eta=1e-2)}),
}


def measure(seed: int, scale: Scale) -> Numbers:
    budget = BUDGETS[scale]
    device = torch.device("cuda" if scale == "gpu" and torch.cuda.is_available() else "cpu")
    found = identity() | critics(budget, seed) | fits()
    ring = load("ring8", seed=seed)
    for name, setting in SETTINGS.items():
        torch.manual_seed(seed)
        found |= {f"{name}.{key}": v for key, v in play(setting, ring, budget, seed, device).items()}
    return found


def identity() -> dict[str, float]:
    """The difference between the two sides of V(D*) = −log 4 + 2 JSD, for two modes against one Gaussian."""
    p, q, dx = densities()
    return {"identity": abs(value(optimal_critic(p, q), p, q, dx) - value_at_optimum(p, q, dx))}


def densities() -> tuple[Tensor, Tensor, float]:
    """p and q on the grid, and its step."""
    x = grid()
    p = 0.5 * gaussian(x, -2.0, 0.5) + 0.5 * gaussian(x, 2.0, 0.5)
    return p, gaussian(x, 0.5, 1.5), float(x[1] - x[0])


def grid() -> Tensor:
    return torch.linspace(-12, 12, 4801, dtype=torch.float64)


def critics(budget: Budget, seed: int) -> dict[str, float]:
    """A critic that learned from samples against the optimal one, and its loss where both densities are one."""
    p, q, dx = densities()
    logit = alone(Mixture(torch.tensor([[-2.0], [2.0]]), 0.5), budget, seed)
    away = (logit.sigmoid() - optimal_critic(p, q).sigmoid()).abs()
    same = alone(Mixture(torch.tensor([[0.5]]), 1.5), budget, seed)
    return {"critic": float((away * p).sum() * dx), "same": -value(same, q, q, dx)}


def alone(data: Mixture, budget: Budget, seed: int) -> Tensor:
    """The logits, on the grid, of a critic whose opponent N(0.5, 1.5²) never moves."""
    torch.manual_seed(seed)
    G, D = nn.Linear(1, 1), VectorCritic(1, width=64, depth=2)
    nn.init.constant_(G.weight, 1.5)
    nn.init.constant_(G.bias, 0.5)
    game = GAN(G, D, d_z=1, n_critic=budget.alone + 1)
    real = batches(InMemory(data.sample(50_000, generator=seed)), 512, seed=seed, steps=budget.alone)
    for _ in train(game, real, {D: Adam(D.parameters(), 1e-3)}):
        pass
    with torch.no_grad():
        return D(grid().float()[:, None]).double()


def fits() -> dict[str, float]:
    """Mean and standard deviation of the Gaussian nearest to 0.7 N(−s, 0.7²) + 0.3 N(s, 0.7²)."""
    nearest = {"kl": nearest_gaussian(kl, 3.0), "reverse": nearest_gaussian(reverse_kl, 3.0)}
    nearest |= {"jsd": nearest_gaussian(jsd, 3.0), "near": nearest_gaussian(jsd, 1.5)}
    return {f"{name}.{key}": getattr(fit, key) for name, fit in nearest.items() for key in ("mean", "std")}


def nearest_gaussian(divergence: Callable[[Tensor, Tensor, float], float], s: float) -> Fit:
    x = grid()
    return fit_gaussian(divergence, two_normals(s=s).log_prob(x[:, None]).exp(), x)


def play(setting: Setting, ring: Dataset, budget: Budget, seed: int, device: torch.device) -> dict[str, float]:
    """One game, and what its samples showed: modes with 2 % of them or more, and those within 3 σ of a mode."""
    assert ring.truth is not None
    assert ring.truth.modes is not None
    G, D = MLP(setting.d_z, 2, depth=2).to(device), VectorCritic(2, depth=2).to(device)
    if setting.orthogonal:
        G.apply(orthogonal)
        D.apply(orthogonal)
    game, looks = GAN(G, D, d_z=setting.d_z, **setting.options), Modes(ring.truth.modes, share=0.02)
    real = batches(ring.train, 256, seed=seed, steps=int(setting.share * budget.steps), device=device)
    optimisers = {D: Adam(D.parameters(), setting.lr, (0.5, 0.999)), G: Adam(G.parameters(), 1e-3, (0.5, 0.999))}
    for step in train(game, real, optimisers):
        if step.iteration % budget.every == 0:
            x = draw(game.sample, 2000, generator=seed)
            looks.update(x)
    near = torch.cdist(x, ring.truth.modes).min(1).values < 3 * (ring.truth.std or 0)
    return {
        "held": looks.held[-1],
        "least": min(looks.held[-LAST:]),
        "few": sum(held <= 3 for held in looks.held) / len(looks.held),
        "changes": looks.changes,
        "quality": float(near.float().mean()),
    }


def orthogonal(layer: nn.Module) -> None:
    if isinstance(layer, nn.Linear):
        nn.init.orthogonal_(layer.weight, 0.8)
        nn.init.zeros_(layer.bias)


def learns(name: str) -> Verdict:
    """Six modes or more and a high-quality share above 0.6, in two seeds of three."""
    return lambda seeds: sum(n[f"{name}.held"] >= 6 and n[f"{name}.quality"] > 0.6 for n in seeds) >= 2 / 3 * len(seeds)


def at(name: str, mean: float, std: float) -> Verdict:
    return for_each(lambda n: abs(n[f"{name}.mean"] - mean) < 0.02 and abs(n[f"{name}.std"] - std) < 0.02)


CARD = Card(
    "gan",
    "Generative Adversarial Networks",
    "https://arxiv.org/abs/1406.2661",
    "Identities on a grid; the Gaussian nearest to two modes, by divergence; then games on eight Gaussians in a ring "
    "(radius 2, σ 0.02). A mode is held by 2 % of the samples, looked at every 250 steps; quality is the share of "
    "samples within 3 σ of a mode. The chase: z of 256 dimensions, generator ten times as fast as the critic. The "
    "repair makes the critic as fast and adds R1 (γ 0.1); the rows below it change one thing at a time: the speed, R1 "
    "(for half as many steps), or that the generator looks ahead (for a quarter). The critic's speed is the larger "
    "half of the repair, and R1 alone is none.",
    measure,
    (
        Claim("V(D*) against −log 4 + 2 JSD, difference", "identity", "0", None,
              for_each(lambda n: n["identity"] < 1e-6), SCALES),
        Claim("critic trained on samples: mean |D − D*| over the data", "critic", "0 (optimal D)", None,
              for_each(lambda n: n["critic"] < 0.05)),
        Claim("critic's loss where model and data agree", "same", "log 4 = 1.3863", None,
              for_each(lambda n: abs(n["same"] - math.log(4)) < 0.01)),
        Claim("Gaussian nearest to modes at ±3 by KL: σ", "kl.std", "covers", None, at("kl", -1.2, 2.839), SCALES),
        Claim("… by reverse KL: σ", "reverse.std", "seeks", "kl.std", at("reverse", -3.0, 0.7), SCALES),
        Claim("… by JSD: σ", "jsd.std", "seeks", "kl.std", at("jsd", -3.0, 0.7), SCALES),
        Claim("Gaussian nearest to modes at ±1.5 by JSD: σ (it covers)", "near.std", "seeks", None,
              at("near", -0.6, 1.51), SCALES),
        Claim("minimax loss: modes held, of 8", "minimax.held"),
        Claim("minimax loss: quality", "minimax.quality", None, "chase.quality", learns("minimax")),
        Claim("non-saturating loss: modes held, of 8", "log.held"),
        Claim("non-saturating loss: quality", "log.quality", None, "chase.quality", learns("log")),
        Claim("chase: share of looks with 3 modes or fewer", "chase.few", "1 (rotates through modes)", None,
              for_each(lambda n: n["chase.few"] >= 0.9)),
        Claim("chase: changes of the dominant mode", "chase.changes", "never settles", None,
              for_each(lambda n: n["chase.changes"] >= 5)),
        Claim("repaired: fewest modes held in the last five looks", "repair.least", None, "chase.least",
              for_each(lambda n: n["repair.least"] == 8)),
        Claim("repaired: quality", "repair.quality", None, "chase.quality"),
        Claim("critic as fast as the generator, no R1: fewest modes", "rate.least", None, "chase.least"),
        Claim("R1, slow critic: fewest modes", "r1.least", None, "chase.least"),
        Claim("unrolled by 5, slow critic: fewest modes", "unrolled.least", "8 (K = 5)", "chase.least"),
    ),
)  # fmt: skip
