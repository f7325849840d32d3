"""A network that gives the score against one that gives the energy, by one loss; what only lowering energies does.

Tim Salimans, Jonathan Ho. Should EBMs model the energy or the score? 2021. https://openreview.net/forum?id=9AS-TF2jRNb
Yann LeCun, Sumit Chopra, Raia Hadsell, Marc'Aurelio Ranzato, Fu Jie Huang. A Tutorial on Energy-Based Learning. 2006.
http://yann.lecun.com/exdb/publis/pdf/lecun-06.pdf
"""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, nn
from torch.optim import Adam

from likeness.core import learn, train
from likeness.data.batch import Batch
from likeness.data.truth import Mixture
from likeness.energy.conservative import Conservative, curl
from likeness.energy.denoising import denoising
from likeness.energy.naive import Naive
from likeness.energy.scores import ScoreMatching
from likeness.nn.vector import MLP, VectorCritic
from likeness.papers._langevin import two
from likeness.papers._score_matching import interleaved
from likeness.papers.card import SCALES, Claim, for_each

SIGMA, BATCH, WIDTH = 0.5, 256, 128


def measure(steps: int, seed: int) -> dict[str, float]:
    truth = two(2.5)
    found: dict[str, float] = {}
    work: dict[str, Callable[[], object]] = {}
    for name in ("score", "energy"):
        torch.manual_seed(seed)
        net = VectorCritic(2, width=WIDTH, depth=2, activation=nn.SiLU) if name == "energy" else field()
        s = Conservative(net) if name == "energy" else net
        learned(s, truth, SIGMA, steps, seed)
        x = truth.noised(SIGMA).sample(5000, generator=seed + 1)
        found |= {
            f"{name}.error": relative_error(s, truth, SIGMA, x),
            f"{name}.curl": float(curl(s, x[:1000]).mean()),
        }
        method = ScoreMatching(s, denoising(SIGMA)).train()
        work[name] = partial(learn, method, Batch(x[:BATCH]), Adam(method.parameters()))
    ms = interleaved(work, 40)
    return found | {"energy.cost": ms["energy"] / ms["score"]} | naive(truth, steps // 4, seed)


def field() -> nn.Module:
    return MLP(2, 2, width=WIDTH, depth=2, activation=nn.SiLU)


def learned(s: nn.Module, truth: Mixture, sigma: float, steps: int, seed: int) -> nn.Module:
    """Trained by denoising on fresh samples, with a learning rate that falls to zero."""
    method = ScoreMatching(s, denoising(sigma))
    moves = Adam(method.parameters(), 2e-3)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(moves, steps)
    for _ in train(method, fresh(truth, steps, seed), moves):
        fall.step()
    return s.eval()


def fresh(truth: Mixture, steps: int, seed: int) -> Iterator[Batch]:
    """Batches that nobody has seen."""
    x = truth.sample(steps * BATCH, generator=seed)
    return (Batch(part) for part in x.split(BATCH))


@torch.no_grad()
def relative_error(s: nn.Module, truth: Mixture, sigma: float, x: Tensor) -> float:
    """Squared error of the score of noisy samples, over its own square, at these places."""
    true = truth.noised(sigma).score(x)
    return float((s(x) - true).square().sum() / true.square().sum())


def naive(truth: Mixture, steps: int, seed: int) -> dict[str, float]:
    """The energy of data after half of the steps and after all, and KL(p ‖ e^−E / Z) on a grid before and after."""
    torch.manual_seed(seed)
    energy = VectorCritic(2, width=WIDTH, depth=2, activation=nn.SiLU)
    method, moves = Naive(energy), Adam(energy.parameters(), 2e-3)
    before = divergence(energy, truth)
    course = [float(step.terms["energy"]) for step in train(method, fresh(truth, steps, seed), moves)]
    return {
        "naive.first": course[0],
        "naive.half": course[steps // 2],
        "naive.last": course[-1],
        "naive.before": before,
        "naive.after": divergence(energy, truth),
    }


@torch.no_grad()
def divergence(energy: nn.Module, truth: Mixture, *, reach: float = 7.0, side: int = 200) -> float:
    """KL(p ‖ e^−E / Z) in nats over a box that holds the data, both normalised on a grid."""
    line = torch.linspace(-reach, reach, side)
    x = torch.cartesian_prod(line, line)
    log_p, log_q = (v.double().log_softmax(0) for v in (truth.log_prob(x), -energy(x)))
    return float((log_p.exp() * (log_p - log_q)).sum())


CLAIMS = (
    Claim("energy network, denoising at σ = .5: relative squared error of the score (score network beside it)",
          "energy.error", "not settled", "score.error",
          for_each(lambda n: max(n["energy.error"], n["score.error"]) < 0.02), SCALES[1:]),
    Claim("asymmetry of its Jacobian", "energy.curl", "0", "score.curl",
          for_each(lambda n: n["energy.curl"] < 1e-3 < n["score.curl"]), SCALES),
    Claim("its cost of a step, in those of the score network", "energy.cost", "about 2", None,
          for_each(lambda n: 1.2 < n["energy.cost"] < 4), SCALES[1:2]),
    Claim("lowering the energy of data alone: their energy in the end (after half of the steps beside it)",
          "naive.last", "−∞", "naive.half",
          for_each(lambda n: n["naive.last"] < 2 * n["naive.half"] < -10), SCALES),
    Claim("… and KL(p ‖ e^−E/Z), nats (before the training beside it)", "naive.after", None, "naive.before",
          for_each(lambda n: n["naive.after"] > n["naive.before"]), SCALES),
)  # fmt: skip
