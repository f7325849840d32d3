"""The neighbours of a batch among 10³, 10⁴ and 10⁵ exemplars: in the cells of a table, and by looking at all of them.

Codes of 40 dimensions in 200 clusters; 10 neighbours of each of 100 queries. The exponent is the slope of log time over
log exemplars; the bars are 0.8, and that nine of ten true neighbours are found at every size.
"""

import math
import statistics

import torch
from harness import record, side_by_side

from likeness.density.retrieval import FEW, Table

SIZES, D, CLUSTERS, K, N = (1000, 10_000, 100_000), 40, 200, 10, 100


def codes(n: int, generator: torch.Generator) -> torch.Tensor:
    means = torch.randn(CLUSTERS, D, generator=torch.Generator().manual_seed(1))
    return means[torch.randint(CLUSTERS, (n,), generator=generator)] + 0.5 * torch.randn(n, D, generator=generator)


def exponent(seconds: list[float]) -> float:
    """The slope of the line of least squares."""
    return statistics.linear_regression([math.log(n) for n in SIZES], [math.log(s) for s in seconds]).slope


def main() -> None:
    torch.set_num_threads(1)
    generator, work, recall = torch.Generator().manual_seed(0), {}, {}
    z = codes(N, generator)
    for n in SIZES:
        table = Table.of(codes(n, generator))
        table.arrange(torch.ones(n, dtype=torch.bool))
        # below `FEW` a table looks at all codes: here the cells are timed at every size
        work[f"cells, {n}"] = lambda table=table: table._in_cells(z, K, torch.full((N,), -1))[0]
        work[f"all, {n}"] = lambda table=table: table.nearest(z, K, exact=True)
        found, true = work[f"cells, {n}"](), work[f"all, {n}"]()
        recall[n] = float((found[:, :, None] == true[:, None]).any(1).float().mean())
    times = side_by_side(work, rounds=15)
    median = {name: statistics.median(t) for name, t in times.items()}
    slopes = {way: exponent([median[f"{way}, {n}"] for n in SIZES]) for way in ("cells", "all")}
    slopes["as chosen"] = exponent([median[f"{'all' if n <= FEW else 'cells'}, {n}"] for n in SIZES])
    for n in SIZES:
        cells, every = (1000 * median[f"{way}, {n}"] for way in ("cells", "all"))
        print(f"{n:7d} exemplars: cells {cells:8.2f} ms, all {every:8.2f} ms, recall {recall[n]:.3f}")
    print("exponents", {way: round(s, 3) for way, s in slopes.items()})
    facts = {"exponent": {k: round(v, 3) for k, v in slopes.items()}, "recall_at_10": recall, "exponent_bar": 0.8}
    facts["exponent_held"] = slopes["cells"] <= 0.8 and min(recall.values()) >= 0.9
    facts["all_ms"] = {name: round(1000 * s, 3) for name, s in median.items()}
    large = {name: times[name] for name in (f"cells, {SIZES[-1]}", f"all, {SIZES[-1]}")}
    record("retrieval", large, reference=f"all, {SIZES[-1]}", bar=2.0, better="higher", facts=facts)


if __name__ == "__main__":
    main()
