"""How every benchmark here is run: the same work side by side in one process, interleaved, medians, ratios.

The process keeps what it frees, as ours do, whoever's work it is: what pages cost is no one's gain.
"""

import json
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from likeness.allocation import keep_freed

RESULTS = Path(__file__).parent / "results"


def side_by_side(work: dict[str, Callable[[], object]], *, rounds: int, warm: int = 3) -> dict[str, list[float]]:
    """Seconds of each callable in each round; the order turns and is reversed, so that drift hits all alike."""
    keep_freed()
    names = list(work)
    times: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(warm + rounds):
        first = turn // 2 % len(names)
        for name in (names[first:] + names[:first])[:: -1 if turn % 2 else 1]:
            start = time.perf_counter()
            work[name]()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if turn >= warm:
                times[name].append(time.perf_counter() - start)
    return times


def record(
    name: str,
    times: dict[str, list[float]],
    *,
    reference: str,
    bar: float,
    better: str,
    facts: Mapping[str, Any] = {},
) -> bool:
    """Print the medians and the ratio of each to `reference` (of paired rounds), hold it to `bar`, write it down.

    `better` is "lower" for a cost (time over the reference's) and "higher" for a gain (the reference's time over ours).
    `facts` are written down too.
    """
    medians = {k: statistics.median(v) for k, v in times.items()}
    ours = next(k for k in times if k != reference)
    pairs = [a / b for a, b in zip(times[ours], times[reference], strict=True)]
    ratio = statistics.median(pairs if better == "lower" else [1 / p for p in pairs])
    held = ratio <= bar if better == "lower" else ratio >= bar
    for label, seconds in medians.items():
        print(f"{name:12s} {label:28s} {1000 * seconds:10.3f} ms")
    sign, verdict = "≤" if better == "lower" else "≥", "held" if held else "MISSED"
    print(f"{name:12s} {'ratio':28s} {ratio:10.3f} (bar: {sign} {bar}) {verdict}")
    RESULTS.mkdir(exist_ok=True)
    value = {
        "benchmark": name,
        "medians_ms": {k: round(1000 * v, 4) for k, v in medians.items()},
        "ratio": round(ratio, 4),
        "bar": bar,
        "better": better,
        "held": held,
        "rounds": len(pairs),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} thread(s), torch {torch.__version__}",
        **facts,
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(value, indent=1) + "\n")
    return held
