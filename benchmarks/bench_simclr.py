"""A step of SimCLR: ours, lightly's loss in the loop of its examples, and that loop with what ours knows.

The networks begin from the same weights: a small encoder, batches of 128 colour images of 32×32, and SGD with momentum.
The views are drawn beforehand, the same for all: what they cost is measured in `bench_views`. lightly's loop has a pass
for each view, its loss, and torch's own order of memory and optimiser; "by hand" is that loop with both views in one
pass, channels last, a fused optimiser, and our loss: what `train` adds to it is the difference. The bars: at least 1.2
times as fast as lightly's loop, at most 1.02 of the time by hand. A compiled step is timed too.
"""

import copy
import statistics
from collections.abc import Callable
from typing import Any

import torch
from harness import record, side_by_side
from peers import lightly_loss
from torch import Tensor, nn
from torch.optim import SGD

from likeness.core import learn
from likeness.data.batch import Batch
from likeness.nn.heads import projection
from likeness.nn.small_cnn import SmallCNN
from likeness.represent.contrast import nt_xent
from likeness.represent.simclr import SimCLR
from likeness.represent.sphere import normalise
from likeness.subnormals import flushed

N, EVENT, TAU = 128, (3, 32, 32), 0.5
MOVES: dict[str, Any] = {"lr": 0.06, "momentum": 0.9, "weight_decay": 5e-4}


def views(count: int = 4) -> list[tuple[Tensor, Tensor]]:
    torch.manual_seed(1)
    return [(torch.rand(N, *EVENT) * 2 - 1, torch.rand(N, *EVENT) * 2 - 1) for _ in range(count)]


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(SmallCNN(3), projection(128, hidden=128, out=128)).train()


def ours(drawn: list[tuple[Tensor, Tensor]], compiled: bool = False) -> Callable[[], object]:
    f, g = network()
    if compiled:
        f.compile()
        g.compile()
    turn = iter(range(10**9))
    method = SimCLR(f, g, lambda x: drawn[next(turn) % len(drawn)], tau=TAU).train()
    moves = SGD(method.parameters(), **MOVES, fused=True)

    def step() -> None:
        with flushed():
            learn(method, Batch(drawn[0][0]), moves)

    return step


def by_hand(drawn: list[tuple[Tensor, Tensor]]) -> Callable[[], object]:
    net, turn = network(), iter(range(10**9))
    moves = SGD(net.parameters(), **MOVES, fused=True)

    def step() -> None:
        with flushed():
            moves.zero_grad()
            z1, z2 = normalise(net(torch.cat(drawn[next(turn) % len(drawn)]))).chunk(2)
            nt_xent(z1, z2, tau=TAU).mean().backward()
            moves.step()

    return step


def lightlys(drawn: list[tuple[Tensor, Tensor]], loss: Any) -> Callable[[], object]:
    net, turn = copy.deepcopy(network()).to(memory_format=torch.contiguous_format), iter(range(10**9))
    moves, criterion = SGD(net.parameters(), **MOVES), loss.NTXentLoss(temperature=TAU)

    def step() -> None:
        x0, x1 = drawn[next(turn) % len(drawn)]
        criterion(net(x0), net(x1)).backward()
        moves.step()
        moves.zero_grad()

    return step


def main() -> None:
    torch.set_num_threads(1)
    loss = lightly_loss()
    if loss is None:
        print("left out, lightly is not installed: pip install --no-deps --target peers lightly")
        return
    drawn = views()
    work = {"likeness": ours(drawn), "by hand": by_hand(drawn), "lightly": lightlys(drawn, loss)}
    try:
        compiled = ours(drawn, compiled=True)
        compiled()
        work["compiled"] = compiled
    except Exception as error:  # of a machine without a compiler
        print(f"simclr       not compiled: {str(error).splitlines()[0]}")
    times = side_by_side(work, rounds=20, warm=1)
    extra = {"compiled_ms": 1000 * statistics.median(times["compiled"])} if "compiled" in times else {}
    pair = lambda other: {name: times[name] for name in ("likeness", other)}  # noqa: E731
    record("simclr", pair("lightly"), reference="lightly", bar=1.2, better="higher", facts=extra)
    record("simclr_by_hand", pair("by hand"), reference="by hand", bar=1.02, better="lower")


if __name__ == "__main__":
    main()
