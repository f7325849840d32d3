"""NT-Xent of 4 096 samples of 128 numbers, forward and backward: block by block against all at once, time and memory.

The peak of each is counted above what its process holds before the first step, for 2 048, 4 096 and 8 192 samples. The
bars: blocks need memory that grows with the batch and not with its square (at most 2.2 times as much for twice as many
samples), at most a tenth of what all at once takes, and no more than 1.1 of its time. lightly's loss is timed beside
them where it is installed.
"""

import json
import multiprocessing
import statistics
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from harness import RESULTS, side_by_side
from peers import lightly_loss
from torch import Tensor
from torch.nn.functional import normalize

from likeness.represent.contrast import nt_xent

N, D, TAU, BLOCK = 4096, 128, 0.5, 256
Loss = Callable[[Tensor, Tensor], Tensor]


def features(n: int) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    x, y = torch.randn(2, n, D).unbind()
    return normalize(x).requires_grad_(), normalize(x + 0.5 * y).requires_grad_()


def losses() -> dict[str, Loss]:
    found: dict[str, Loss] = {
        "blocks": lambda a, b: nt_xent(a, b, tau=TAU, block=BLOCK).mean(),
        "at once": lambda a, b: nt_xent(a, b, tau=TAU).mean(),
    }
    theirs = lightly_loss()
    return found if theirs is None else found | {"lightly": theirs.NTXentLoss(temperature=TAU)}


def slopes(loss: Loss, a: Tensor, b: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(loss(a, b), (a, b))


def measure(name: str, n: int, answer: Connection) -> None:
    torch.set_num_threads(1)
    loss = losses()[name]
    slopes(loss, *features(64))
    a, b = features(n)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins again, at what is held now
    before = held("VmRSS")
    slopes(loss, a, b)
    answer.send((held("VmHWM") - before) / 2**10)


def held(what: str) -> int:
    """KiB of this process."""
    return int(Path("/proc/self/status").read_text().split(f"{what}:")[1].split()[0])


def peak(name: str, n: int) -> float:
    """MiB, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=measure, args=(name, n, there))
    child.start()
    found = here.recv()
    child.join()
    return found


def main() -> None:
    torch.set_num_threads(1)
    known, (a, b) = losses(), features(N)
    apart = max(
        float((x - y).abs().max()) for x, y in zip(slopes(known["blocks"], a, b), slopes(known["at once"], a, b))
    )
    work = {name: lambda loss=loss: slopes(loss, a, b) for name, loss in known.items()}
    times = {name: statistics.median(found) for name, found in side_by_side(work, rounds=5, warm=1).items()}
    peaks = {name: {n: peak(name, n) for n in (N // 2, N, 2 * N) if n <= N or name == "blocks"} for name in known}
    growth = peaks["blocks"][2 * N] / peaks["blocks"][N]
    share, slower = peaks["blocks"][N] / peaks["at once"][N], times["blocks"] / times["at once"]
    good = growth <= 2.2 and share <= 0.1 and slower <= 1.1
    for name in known:
        said = ", ".join(f"{n}: {found:.0f}" for n, found in peaks[name].items())
        print(f"nt_xent      {name:28s} {1000 * times[name]:10.0f} ms   MiB for {said}")
    print(f"nt_xent      growth {growth:.2f} (≤ 2.2), memory {share:.3f} (≤ 0.1), time {slower:.2f} (≤ 1.1) of at once")
    print(f"nt_xent      slopes differ by {apart:.1e} at most: {'held' if good else 'MISSED'}")
    value = {
        "benchmark": "nt_xent",
        "medians_ms": {k: round(1000 * v, 2) for k, v in times.items()},
        "peak_mib": {k: {str(n): round(m, 1) for n, m in v.items()} for k, v in peaks.items()},
        "growth": round(growth, 3),
        "share_of_memory": round(share, 4),
        "ratio": round(slower, 4),
        "slopes_apart": apart,
        "bar": {"growth": 2.2, "share_of_memory": 0.1, "ratio": 1.1},
        "better": "lower",
        "held": good,
        "machine": f"1 thread, torch {torch.__version__}",
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "nt_xent.json").write_text(json.dumps(value, indent=1) + "\n")


if __name__ == "__main__":
    main()
