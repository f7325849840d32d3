"""A step of SwAV with two large and four small crops: ours, and the loop of lightly's example with its loss.

The same network, head, number of prototypes and batch, one thread; the crops are made beforehand, so that no
augmentation is timed. Ours has our defaults: the encoder's weights in channels-last order, fused Adam, crops of one
size forward together. lightly's has what its users have: a forward pass for each crop, torch's own order and Adam; it
stands beside itself with our order too. The bar: at least 1.2 times as fast.
"""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from harness import record, side_by_side
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.optim import Adam

from likeness.core import learn
from likeness.data.batch import Batch
from likeness.data.views import Views
from likeness.nn.heads import projection
from likeness.nn.small_cnn import SmallCNN
from likeness.represent.swav import SwAV

N, D, K, EACH, ROUNDS, RATE = 64, 128, 300, 2, 15, 1e-3
LIGHTLY = ("", ".loss", ".models", ".models.modules", ".utils")


def networks() -> tuple[SmallCNN, nn.Module]:
    torch.manual_seed(0)
    return SmallCNN(3, width=32, d=128), projection(128, hidden=128, out=D)


def ours(crops: list[Tensor]) -> Callable[[], Any]:
    f, g = networks()
    groups = [part for part in (crops[:2], crops[2:]) if part]
    views = Views(*((len(part), partial(given, cycle(part))) for part in groups))
    swav = SwAV(f, g, views, d=D, prototypes=K, freeze=0).train()
    adam = Adam(swav.parameters(), RATE, fused=True)
    return lambda: learn(swav, Batch(crops[0]), adam)


def given(crops: Iterator[Tensor], x: Tensor, *, generator: object = None) -> Tensor:
    """A view that is the next of what was made beforehand."""
    return next(crops)


def lightly(parts: list[ModuleType], crops: list[Tensor], memory_format: torch.memory_format) -> Callable[[], Any]:
    """The loop of examples/pytorch/swav.py."""
    loss_of, heads = parts
    f, g = networks()
    model = nn.ModuleList([f, g, heads.SwaVPrototypes(D, K)]).train().to(memory_format=memory_format)  # type: ignore[call-overload]
    f, g, prototypes = model
    adam, criterion = Adam(model.parameters(), RATE), loss_of.SwaVLoss()

    def step() -> None:
        with torch.no_grad():
            prototypes.normalize()
        scores = [prototypes(normalize(g(f(view).flatten(start_dim=1)), dim=1, p=2)) for view in crops]
        loss = criterion(scores[:2], scores[2:])
        loss.backward()
        adam.step()
        adam.zero_grad()

    return step


def _parts(*names: str) -> list[ModuleType]:
    """Files of lightly, without what its packages import beside them; the only thing of torchvision is not used."""
    found = importlib.util.find_spec("lightly")
    assert found is not None
    assert found.origin is not None
    root = Path(found.origin).parent
    for name in LIGHTLY:
        package = ModuleType("lightly" + name)
        package.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
        sys.modules["lightly" + name] = package
    vision, ops = ModuleType("torchvision"), ModuleType("torchvision.ops")
    ops.StochasticDepth = nn.Identity  # type: ignore[attr-defined]
    sys.modules.setdefault("torchvision", vision)
    sys.modules.setdefault("torchvision.ops", ops)
    return [importlib.import_module(name) for name in names]


def main() -> None:
    if importlib.util.find_spec("lightly") is None:
        print(
            "left out, lightly is not installed: pip install --no-deps --target peers lightly, then "
            "PYTHONPATH=peers python benchmarks/bench_swav.py"
        )
        return
    torch.set_num_threads(1)
    parts = _parts("lightly.loss.swav_loss", "lightly.models.modules.heads")
    large, small = [torch.rand(N, 3, 32, 32) * 2 - 1 for _ in range(2)], torch.rand(N, 3, 16, 16) * 2 - 1
    for name, crops in (("swav", [*large, *[small] * 4]), ("swav_two_views", large)):
        work = {
            "likeness": ours(crops),
            "lightly": lightly(parts, crops, torch.contiguous_format),
            "lightly, channels last": lightly(parts, crops, torch.channels_last),
        }
        repeated = {label: lambda step=step: [step() for _ in range(EACH)] for label, step in work.items()}
        times = side_by_side(repeated, rounds=ROUNDS, warm=1)
        each = {label: [t / EACH for t in found] for label, found in times.items()}
        facts = {"batch": N, "crops": [list(crop.shape[1:]) for crop in crops], "prototypes": K}
        record(name, each, reference="lightly", bar=1.2, better="higher", facts=facts)


if __name__ == "__main__":
    main()
