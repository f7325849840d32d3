"""The critics of the card `wgan-gp` without a game: against data plus noise, and through twelve layers.

The first figure of the paper as numbers. A critic of slope 1 finds at most the exact Wasserstein distance W₁ between
the data and its opponent, so the share that it finds says how much of the difference it has learned.

Ishaan Gulrajani, Faruk Ahmed, Martin Arjovsky, Vincent Dumoulin, Aaron Courville.
Improved Training of Wasserstein GANs. 2017. https://arxiv.org/abs/1704.00028
"""

from collections.abc import Callable, Iterator, Mapping
from statistics import fmean
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer, RMSprop

from likeness.core import train
from likeness.data import Dataset, batches, whole
from likeness.gan import GAN, Penalty, gradient_penalty, wasserstein
from likeness.gan.penalties import slope
from likeness.nn import VectorCritic
from likeness.papers.card import SCALES, Claim, Verdict, for_each

TOYS = {"ring8": "8 Gaussians", "grid25": "25 Gaussians", "spirals": "spirals"}
SEEN = 1000  # samples that a number is measured on
RATE = 5e-4  # of both players in every game, five times the paper's, for a shorter training


class Rule(NamedTuple):
    """How a critic is kept smooth, and the optimiser its authors advise."""

    options: dict[str, Any]
    optimiser: Callable[[Iterator[nn.Parameter]], Optimizer]


def clipped(c: float = 0.01, lr: float = RATE) -> Rule:
    return Rule({"clip": c}, lambda parameters: RMSprop(parameters, lr))


def penalised(weight: float = 10.0, lr: float = RATE) -> Rule:
    return Rule({"penalty": Penalty(gradient_penalty, weight)}, lambda parameters: Adam(parameters, lr, (0.0, 0.9)))


def measure(toys: Mapping[str, Dataset], steps: int, width: int, seed: int, device: torch.device) -> dict[str, float]:
    """Steps of each critic, and units of its layers; the deep ones take a fifth of the steps."""
    found: dict[str, float] = {}
    for name, data in toys.items():
        for rule, how in {"clip": clipped(), "gp": penalised(lr=1e-3)}.items():
            game = alone(data, how, steps, seed, device, depth=3, width=width)
            found |= {f"{name}.{rule}.{key}": v for key, v in surface(game, data).items()}
    deep = {"clip0.001": clipped(0.001), "clip0.01": clipped(), "clip0.1": clipped(0.1), "gp": penalised(lr=1e-3)}
    for rule, how in deep.items():
        game = alone(toys["spirals"], how, steps // 5, seed, device, depth=12, width=width)
        found[f"layers.{rule}"] = decades(game.D, whole(toys["spirals"].test, SEEN).x)
    return found


class Blurred(nn.Module):
    """A generator that stands still: x of the data plus z."""

    def __init__(self, x: Tensor) -> None:
        super().__init__()
        self.x = nn.Parameter(x, requires_grad=False)

    def forward(self, z: Tensor) -> Tensor:
        return self.x[torch.randint(len(self.x), (len(z),), device=z.device)] + z


def alone(data: Dataset, rule: Rule, steps: int, seed: int, device: torch.device, **shape: Any) -> GAN:
    """A game against the blurred data, in which the critic alone has moved."""
    torch.manual_seed(seed)
    G = Blurred(whole(data.train).x).to(device)
    D = VectorCritic(2, **shape).to(device)
    game = GAN(G, D, d_z=2, loss=wasserstein, n_critic=steps + 1, **rule.options)
    real = batches(data.train, 256, seed=seed, steps=steps, device=device)
    for _ in train(game, real, {D: rule.optimiser(D.parameters())}):
        pass
    return game.cpu()


def surface(game: GAN, data: Dataset) -> dict[str, float]:
    """What a critic makes of fresh samples.

    `share` is its gap between them, divided by its steepest slope there, as a share of their exact distance W₁, which
    no function of slope 1 exceeds; `slope` is the mean of ‖∇D‖ on lines between them; `extreme` the share of weights
    within 5 % of the largest.
    """
    D, real, fake = game.D, whole(data.test, SEEN).x, game.sample(SEEN, generator=0)
    between = torch.lerp(fake, real, torch.rand(SEEN, 1))
    slopes = slope(D, torch.cat((between, real, fake))).norm(dim=1).detach()
    weights = torch.cat([p.detach().flatten() for p in D.parameters() if p.ndim == 2]).abs()
    with torch.no_grad():
        gap = float(D(real).mean() - D(fake).mean())
    return {
        "share": gap / float(slopes.max()) / w1(real, fake),
        "slope": float(slopes[:SEEN].mean()),
        "extreme": float((weights > 0.95 * weights.max()).float().mean()),
    }


def w1(x: Tensor, y: Tensor) -> float:
    """The Wasserstein distance of two sets of one size, by the best assignment."""
    from scipy.optimize import linear_sum_assignment

    distance = torch.cdist(x, y).numpy()
    return float(distance[linear_sum_assignment(distance)].mean())


def decades(D: Any, x: Tensor) -> float:
    """By how many powers of ten the gradient's norm grows with each layer on its way from the output to the input."""
    h, hidden = x.double(), []
    for layer in D.double().body:
        h = layer(h).requires_grad_()
        hidden += [h] if isinstance(layer, nn.Linear) else []
    gradients = torch.autograd.grad(D.head(h, None).mean(), hidden)
    norms = torch.stack([g.norm() for g in gradients]).log10()
    return float((norms[0] - norms[-1]) / (len(norms) - 1))


def lower(ours: str, than: str) -> Verdict:
    """On average over the seeds, which are paired."""
    return lambda seeds: fmean(n[ours] for n in seeds) < fmean(n[than] for n in seeds)


CLAIMS = (
    *(
        Claim(f"critic alone, {words}: share of the exact distance that it finds", f"{toy}.gp.share",
              "higher (figure 1a)", f"{toy}.clip.share", lower(f"{toy}.clip.share", f"{toy}.gp.share"))
        for toy, words in TOYS.items()
    ),
    Claim("critic alone, 8 Gaussians: mean slope between data and model", "ring8.gp.slope", "1", "ring8.clip.slope",
          for_each(lambda n: 0.8 < n["ring8.gp.slope"] < 1.2)),
    Claim("clipping: share of weights at the extremes", "ring8.clip.extreme", "most (figure 1b)",
          "ring8.gp.extreme", for_each(lambda n: n["ring8.clip.extreme"] > 0.5 > 10 * n["ring8.gp.extreme"]), SCALES),
    Claim("gradient's growth a layer, 12 layers, powers of ten: penalty", "layers.gp", "about 0", None,
          for_each(lambda n: abs(n["layers.gp"]) < 0.2)),
    Claim("… clipped at 0.1", "layers.clip0.1", "explodes", "layers.gp",
          for_each(lambda n: n["layers.clip0.1"] > 0.2)),
    Claim("… clipped at 0.01", "layers.clip0.01", "vanishes", "layers.gp",
          for_each(lambda n: n["layers.clip0.01"] < -0.2), SCALES),
    Claim("… clipped at 0.001", "layers.clip0.001", "vanishes", "layers.gp",
          for_each(lambda n: n["layers.clip0.001"] < -0.2), SCALES),
)  # fmt: skip
