"""What the cards of representations share: encoders that learn in one way or another from the same images, for the same
number of steps, and what simple probes read from them.

Images are those of a set in the folder that LIKENESS_DATA names, MNIST unless another is asked for, else the embedded
digits. One small network, one optimiser and one kind of view for all ways; what differs is what is minimised.
"""

from collections.abc import Callable, Iterable
from functools import partial
from math import ceil
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Adam

from likeness.core import Method, train
from likeness.data import Batch, Dataset, batches, load, whole
from likeness.data.views import View, digits, photographs, two
from likeness.nn.heads import projection
from likeness.nn.small_cnn import SmallCNN
from likeness.papers._shelf import there
from likeness.papers.card import Scale
from likeness.recipes.measuring import features, lie, worth
from likeness.represent.align_uniform import AlignUniform
from likeness.represent.moco import MoCo
from likeness.represent.relic import ReLIC
from likeness.represent.rotation import Rotation
from likeness.represent.simclr import SimCLR
from likeness.represent.supervised import Classifier
from likeness.represent.swav import SwAV

D_Z, TAU, RATE = 64, 0.2, 2e-3
LABELS = (100, 1000)


class Budget(NamedTuple):
    """Images to learn from and to be tested on, at most; passes over them; samples in a batch; channels."""

    train: int
    test: int
    epochs: int
    batch: int = 256
    width: int = 32


BUDGETS: dict[Scale, Budget] = {
    "quick": Budget(256, 128, 2, 64, 8),
    "laptop": Budget(8000, 2000, 4),
    "gpu": Budget(60_000, 10_000, 100, 1024, 64),
}


class Ground(NamedTuple):
    """What all ways learn from and are tested on."""

    data: Dataset
    budget: Budget
    seed: int
    device: torch.device

    @property
    def view(self) -> View:
        channels, _, size = self.data.event
        return digits(size) if channels == 1 else photographs(size)

    def part(self, name: str) -> Batch:
        found = whole(getattr(self.data, name), getattr(self.budget, name))
        return Batch(found.x, found.y)


def must() -> tuple[Scale, ...]:
    """The scales at which margins have to hold that were measured on MNIST: none where it is not at hand."""
    return ("laptop", "gpu") if there("mnist") else ()


def device_of(scale: Scale) -> torch.device:
    return torch.device("cuda" if scale == "gpu" and torch.cuda.is_available() else "cpu")


def ground(seed: int, scale: Scale, name: str = "mnist") -> Ground:
    budget, known = BUDGETS[scale], scale != "quick" and there(name)
    return Ground(load(name if known else "digits", seed=seed, limit=budget.train), budget, seed, device_of(scale))


Make = Callable[[SmallCNN, nn.Module, Ground], Method]


def aligned(uniform: float) -> Make:
    return lambda f, g, ground: AlignUniform(f, g, two(ground.view), uniform=uniform)


def contrasted(f: SmallCNN, g: nn.Module, ground: Ground) -> Method:
    return SimCLR(f, g, two(ground.view), tau=TAU)


def queued(f: SmallCNN, g: nn.Module, ground: Ground) -> Method:
    return MoCo(f, g, two(ground.view), d=D_Z, tau=TAU, size=2048, decay=0.99)


def invariant(alpha: float) -> Make:
    return lambda f, g, ground: ReLIC(f, g, two(ground.view), tau=TAU, alpha=alpha)


def clustered(f: SmallCNN, g: nn.Module, ground: Ground) -> Method:
    return SwAV(f, g, two(ground.view), d=D_Z, prototypes=100, freeze=32)


def turned(f: SmallCNN, g: nn.Module, ground: Ground) -> Method:
    return Rotation(f, view=ground.view)


def taught(f: SmallCNN, g: nn.Module, ground: Ground) -> Method:
    return Classifier(f, len(ground.data.classes), view=ground.view)


def learned(make: Make, ground: Ground) -> Any:
    """The method after its training, in evaluation mode."""
    budget = ground.budget
    torch.manual_seed(ground.seed)
    f = SmallCNN(ground.data.event[0], width=budget.width)
    method = make(f, projection(f.d, hidden=f.d, out=D_Z), ground).to(ground.device)
    steps = budget.epochs * ceil(len(ground.data.train) / budget.batch)
    size = min(budget.batch, len(ground.data.train))
    given = batches(ground.data.train, size, steps=steps, seed=ground.seed, device=ground.device)
    optimiser: Any = Adam(method.parameters(), RATE)
    for _ in train(method, given, optimiser):
        pass
    return method.eval()


def untrained(ground: Ground) -> nn.Module:
    """The encoder of every way, before it learned."""
    torch.manual_seed(ground.seed)
    return SmallCNN(ground.data.event[0], width=ground.budget.width).to(ground.device).eval()


def probed(
    ways: Iterable[tuple[str, Callable[[Tensor], Tensor]]], ground: Ground, *, every: bool = True
) -> dict[str, float]:
    """`way.linear100`, `way.knn1000` …: accuracy in percent on test images; with all labels too where `every`."""
    coded = {name: partial(features, encode, device=ground.device) for name, encode in ways}
    found = worth(coded, ground.part("train"), ground.part("test"), labels=LABELS, every=every, seed=ground.seed)
    return {
        f"{name}.{kind.replace('k-NN', 'knn').replace(' ', '')}": 100 * value
        for name, row in found.items()
        for kind, value in row.items()
    }


def beside(ground: Ground) -> list[tuple[str, Callable[[Tensor], Tensor]]]:
    """What every way has to beat."""
    return [("pixels", nn.Flatten()), ("random", untrained(ground))]


def placed(name: str, method: Any, ground: Ground) -> dict[str, float]:
    """Where the projections of test images lie."""
    row = lie(method, ground.part("test").x.to(ground.device))
    return {f"{name}.alignment": row["alignment of two views"], f"{name}.uniformity": row["uniformity"]}
