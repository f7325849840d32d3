"""The judge against torchmetrics and prdc: Fréchet, kernel distance, precision and recall of the same features.

    python benchmarks/bench_judge.py [--n 10000] [--d 512] [--repeats 3] [--out FILE]
    python benchmarks/bench_judge.py --memory [--n 50000] [--d 2048]     peak memory of the k-nearest-neighbour metrics

Times are medians of interleaved runs in one process, so that only their ratio means anything.
"""

import argparse
import contextlib
import io
import json
import resource
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from likeness.judge.frechet import frechet_distance
from likeness.judge.kernel import kernel_interval
from likeness.judge.neighbours import membership, prdc
from likeness.judge.pairs import between, within

Values = dict[str, float]


def ours(x: Tensor, y: Tensor) -> Values:
    """All of it, from one pass over pairs."""
    a, b = within(x), within(y)
    pairs = between(x, y, a.radius, b.radius)
    shares = {name: float(values.mean()) for name, values in membership(pairs)._asdict().items()}
    kernel = kernel_interval(a.sums, b.sums, pairs.sums, len(x), len(y))[0]
    return {"frechet": frechet_distance(x, y), "kernel": kernel, **shares}


def theirs(x: Tensor, y: Tensor) -> Values:
    """torchmetrics with its defaults (kernel distance by 100 subsets of 1000), and prdc."""
    from prdc import compute_prdc
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.kid import KernelInceptionDistance

    identity = nn.Identity()
    identity.num_features = x.shape[1]  # type: ignore[assignment]
    fid, kid = FrechetInceptionDistance(feature=identity), KernelInceptionDistance(feature=identity)
    for metric in (fid, kid):
        metric.update(x, real=True)
        metric.update(y, real=False)
    with contextlib.redirect_stdout(io.StringIO()):
        shares = compute_prdc(x.numpy(), y.numpy(), nearest_k=5)
    return {"frechet": float(fid.compute()), "kernel": float(kid.compute()[0]), **map_floats(shares)}


def map_floats(values: Values) -> Values:
    """Plain numbers, for JSON."""
    return {name: float(value) for name, value in values.items()}


def timed(function: Callable[[Tensor, Tensor], Values], x: Tensor, y: Tensor) -> tuple[float, Values]:
    """Seconds and values of one run."""
    start = time.perf_counter()
    values = function(x, y)
    return time.perf_counter() - start, values


def speed(n: int, d: int, repeats: int) -> dict[str, object]:
    """Medians of interleaved runs, their ratio, and the values of both."""
    torch.manual_seed(0)
    x, y = torch.randn(n, d), torch.randn(n, d) * 1.05 + 0.02
    pairs = [(timed(ours, x, y), timed(theirs, x, y)) for _ in range(repeats)]
    mine, other = (statistics.median(pair[side][0] for pair in pairs) for side in (0, 1))
    values = {"ours": pairs[0][0][1], "theirs": pairs[0][1][1]}
    return {"n": n, "d": d, "ours_s": mine, "theirs_s": other, "ratio": other / mine, "values": values}


def memory(n: int, d: int) -> dict[str, object]:
    """Peak memory of this process, features included, over precision, recall, density and coverage."""
    torch.manual_seed(0)
    start = time.perf_counter()
    values = prdc(torch.randn(n, d), torch.randn(n, d))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"n": n, "d": d, "peak_GiB": peak, "seconds": time.perf_counter() - start, "values": values}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memory", action="store_true", help="measure memory instead of speed")
    parser.add_argument("--n", type=int, help="samples a set")
    parser.add_argument("--d", type=int, help="features")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, help="also write the JSON here")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    if given.memory:
        result = memory(given.n or 50_000, given.d or 2048)
    else:
        result = speed(given.n or 10_000, given.d or 512, given.repeats)
    text = json.dumps({"threads": torch.get_num_threads(), "torch": torch.__version__, **result}, indent=2)
    print(text)
    if given.out:
        given.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
