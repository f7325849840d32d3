"""What judging costs: Fréchet + kernel + precision, recall, density, coverage of 10 000 × 512 features against peers.

The peers are torchmetrics with its defaults (kernel distance by 100 subsets of 1000) and prdc, on the same features.
The bar: at least 2 times as fast. With `--memory`, instead: the peak memory of this process while it computes the
neighbour metrics of two sets of 50 000 × 2 048 features, these included. The bar: 4 GiB.
"""

import argparse
import contextlib
import io
import json
import resource
import time
import warnings

import torch
from harness import RESULTS, record, side_by_side
from torch import Tensor, nn

from likeness.judge.frechet import frechet_distance
from likeness.judge.kernel import kernel_interval
from likeness.judge.neighbours import intervals, prdc
from likeness.judge.pairs import between, within


def ours(x: Tensor, y: Tensor) -> None:
    a, b = within(x), within(y)
    pairs = between(x, y, a, b)
    kernel_interval(a.sums, b.sums, pairs.sums, len(x), len(y))
    intervals(pairs)
    frechet_distance(x, y)


def theirs(x: Tensor, y: Tensor) -> None:
    from prdc import compute_prdc
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.kid import KernelInceptionDistance

    identity = nn.Identity()
    identity.num_features = x.shape[1]  # type: ignore[assignment]
    for metric in (FrechetInceptionDistance(feature=identity), KernelInceptionDistance(feature=identity)):
        metric.update(x, real=True)
        metric.update(y, real=False)
        metric.compute()
    with contextlib.redirect_stdout(io.StringIO()):
        compute_prdc(x.numpy(), y.numpy(), nearest_k=5)


def speed(n: int, d: int) -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    x, y = torch.randn(n, d), torch.randn(n, d) * 1.05 + 0.02
    work = {"likeness.judge": lambda: ours(x, y), "torchmetrics + prdc": lambda: theirs(x, y)}
    times = side_by_side(work, rounds=3, warm=0)
    record("judge", times, reference="torchmetrics + prdc", bar=2, better="higher")


def memory(n: int, d: int) -> None:
    start = time.perf_counter()
    values = prdc(torch.randn(n, d), torch.randn(n, d))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    seconds = time.perf_counter() - start
    print(
        f"judge_memory {n} × {d}: peak {peak:.2f} GiB (bar: ≤ 4) {'held' if peak <= 4 else 'MISSED'}, {seconds:.0f} s"
    )
    value = {"benchmark": "judge_memory", "n": n, "d": d, "peak_gib": round(peak, 3), "bar": 4, "held": peak <= 4}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "judge_memory.json").write_text(json.dumps(value | {"values": values}, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memory", action="store_true", help="measure memory instead of time")
    parser.add_argument("--n", type=int, help="samples in each set")
    parser.add_argument("--d", type=int, help="features")
    given = parser.parse_args()
    torch.manual_seed(0)
    if given.memory:
        memory(given.n or 50_000, given.d or 2048)
    else:
        speed(given.n or 10_000, given.d or 512)


if __name__ == "__main__":
    main()
