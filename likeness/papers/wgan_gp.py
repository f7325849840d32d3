"""Card: what weight clipping does to a Wasserstein critic, and what a penalty on its gradient does instead.

The experiments of the paper's first figure (critics alone, whose opponent is the data plus unit-variance noise; the
gradient through twelve layers) as numbers; then games on toys and digits, with one setting for every architecture.

Ishaan Gulrajani, Faruk Ahmed, Martin Arjovsky, Vincent Dumoulin, Aaron Courville.
Improved Training of Wasserstein GANs. 2017. https://arxiv.org/abs/1704.00028
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from likeness.core import train
from likeness.data import Dataset, batches, load, whole
from likeness.gan import GAN, wasserstein
from likeness.judge import classifier, judge
from likeness.judge.monitors import Modes
from likeness.nn import MLP, VectorCritic, critic_for, generator_for
from likeness.papers import _critics_alone
from likeness.papers._critics_alone import SEEN, Rule, clipped, lower, penalised, w1
from likeness.papers.card import Card, Claim, Numbers, Scale, for_each
from likeness.sampling import draw


class Budget(NamedTuple):
    """Steps of a critic alone, moves of a generator, layers' width, the images and the generator's moves on them."""

    alone: int
    moves: int
    width: int
    images: str
    image_moves: int


BUDGETS: dict[Scale, Budget] = {
    "quick": Budget(60, 10, 64, "digits", 10),
    "laptop": Budget(2000, 400, 128, "digits", 400),
    "gpu": Budget(20_000, 20_000, 512, "fashion_mnist", 20_000),
}


class Scaled(nn.Module):
    """The smooth nonlinearity among those of the paper's random architectures."""

    def forward(self, x: Tensor) -> Tensor:
        return softplus(2 * x + 2) / 2 - 1


ARCHITECTURES: dict[str, dict[str, Any]] = {
    "plain": {},
    "tanh": {"activation": nn.Tanh},
    "softplus": {"activation": Scaled},
    "deep": {"depth": 8},
    "narrow": {"width": 32},
}


def measure(seed: int, scale: Scale) -> Numbers:
    budget = BUDGETS[scale]
    device = torch.device("cuda" if scale == "gpu" and torch.cuda.is_available() else "cpu")
    toys = {name: load(name, seed=seed) for name in _critics_alone.TOYS}
    found = _critics_alone.measure(toys, budget.alone, budget.width, seed, device)
    return found | games(toys, budget, seed, device) | images(budget, seed, device)


def games(toys: dict[str, Dataset], budget: Budget, seed: int, device: torch.device) -> dict[str, float]:
    """Games on toys under both rules. The authors' own code takes a weight of 0.1 for toys, the paper 10."""
    rules = {"clip": clipped(), "gp": penalised(0.1)}
    real = whole(toys["ring8"].test, 2 * SEEN).x
    found = {"data.w1": w1(*real.split(SEEN))}
    for rule, how in rules.items():
        played = {n: play(toys["ring8"], how, budget, seed, device, **a) for n, a in ARCHITECTURES.items()}
        found |= {f"ring8.{rule}.{key}": v for key, v in played["plain"].items()}
        found[f"trained.{rule}"] = sum(p["held"] == 8 and p["w1"] < 1 for p in played.values())
        found |= {f"grid25.{rule}.{k}": v for k, v in play(toys["grid25"], how, budget, seed, device).items()}
    found["ring8.gp10.w1"] = play(toys["ring8"], penalised(), budget, seed, device)["w1"]
    return found


def play(
    data: Dataset, rule: Rule, budget: Budget, seed: int, device: torch.device, **architecture: Any
) -> dict[str, float]:
    """One game on a toy: the distance of its samples to data, and the modes they hold."""
    assert data.truth is not None
    assert data.truth.modes is not None
    torch.manual_seed(seed)
    shape = {"width": budget.width, "depth": 3} | architecture
    game = GAN(MLP(2, 2, **shape), VectorCritic(2, **shape), d_z=2, loss=wasserstein, n_critic=5, **rule.options)
    run(game.to(device), rule, batches(data.train, 128, seed=seed, steps=5 * budget.moves, device=device))
    x, looks = draw(game.sample, SEEN, generator=seed), Modes(data.truth.modes)
    looks.update(x)
    return {"w1": w1(x, whole(data.test, SEEN).x), "held": looks.held[-1]}


def run(game: GAN, rule: Rule, steps: Iterator[Any]) -> None:
    for _ in train(game, steps, {player: rule.optimiser(player.parameters()) for player in (game.G, game.D)}):
        pass


def images(budget: Budget, seed: int, device: torch.device) -> dict[str, float]:
    """Games on images, by a classifier that was taught on half of the training images."""
    data = load(budget.images, seed=seed)
    known = whole(data.train, 20_000)
    assert known.y is not None
    half = len(known.x) // 2
    space = classifier(known.x[:half], known.y[:half], seed=seed, device=device)
    reference = torch.cat((whole(data.validation, SEEN).x, whole(data.test, SEEN).x))
    subjects: dict[str, Any] = {"real": known.x[half : half + 500]}
    for rule, how in {"clip": clipped(), "gp": penalised()}.items():
        torch.manual_seed(seed)
        G, D = generator_for(data.event, d_z=32, width=32), critic_for(data.event, width=32)
        game = GAN(G, D, d_z=32, loss=wasserstein, n_critic=5, **how.options).to(device)
        run(game, how, batches(data.train, 64, seed=seed, steps=5 * budget.image_moves, device=device))
        subjects[rule] = game.sample
    found: dict[str, float] = {}
    for name, subject in subjects.items():
        scores = judge(subject, reference, features=space, baselines=False, n=500, seed=seed, device=device)
        found |= {f"images.{name}.{metric}": scores[metric].value for metric in ("inception", "frechet")}
    return found


CARD = Card(
    "wgan-gp",
    "Improved Training of Wasserstein GANs",
    "https://arxiv.org/abs/1704.00028",
    "The baseline is weight clipping on the same seed, networks and number of steps (c 0.01, RMSProp). Critics alone "
    "face the data plus unit-variance noise. Games: 400 moves of the generator, five of the critic for each, "
    "perceptrons of three layers of 128 units, every player at 5e-4 to make do with few moves; an architecture is "
    "trained when its samples hold all eight modes and are closer than 1 to the data. λ is 10, but on toys 0.1, as in "
    "the authors' code: with 10 the toy game does not settle so soon. Scores on images are of digits, by their own "
    "classifier, the paper's of CIFAR-10: only their order compares.",
    measure,
    (
        *_critics_alone.CLAIMS,
        Claim("architectures trained with one setting, of 5", "trained.gp", "7 of 7 (figure 2)", "trained.clip",
              for_each(lambda n: n["trained.gp"] == 5 > n["trained.clip"])),
        Claim("8 Gaussians: distance of samples to data", "ring8.gp.w1", None, "ring8.clip.w1",
              lower("ring8.gp.w1", "ring8.clip.w1")),
        Claim("8 Gaussians: modes held", "ring8.gp.held", None, "ring8.clip.held",
              for_each(lambda n: n["ring8.gp.held"] == 8)),
        Claim("8 Gaussians, λ = 10: distance of samples to data", "ring8.gp10.w1", None, "ring8.clip.w1"),
        Claim("8 Gaussians: distance of data to data", "data.w1"),
        Claim("25 Gaussians: distance of samples to data", "grid25.gp.w1", None, "grid25.clip.w1",
              lower("grid25.gp.w1", "grid25.clip.w1")),
        Claim("25 Gaussians: modes held", "grid25.gp.held", None, "grid25.clip.held",
              for_each(lambda n: n["grid25.gp.held"] >= 24)),
        Claim("images: Inception score", "images.gp.inception", "7.86 ± .07 (CIFAR-10)", "images.clip.inception",
              lower("images.clip.inception", "images.gp.inception")),
        Claim("images: Fréchet distance", "images.gp.frechet", None, "images.clip.frechet",
              lower("images.gp.frechet", "images.clip.frechet")),
        Claim("real images: Inception score", "images.real.inception", "11.24 ± .12 (CIFAR-10)"),
    ),
)  # fmt: skip
