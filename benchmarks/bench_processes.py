"""An image GAN on two cores: two processes with a thread each, against one process with two threads.

`likeness train gan` as it is, 32×32, batches of 128; the two take turns, and each run counts as a round: the mean of
its steps after the first ones. The bar: at most 10 % slower. Processes exchange the statistics of every normalisation,
some thirty messages a step, so that their step is that of the whole batch.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from harness import record

STEPS, FIRST = 40, 8
SMALL = ["--steps", STEPS, "--batch-size", 128, "--judge-every", 10 * STEPS, "--no-report"]
WAYS = {"two processes": ["--processes", 2, "--threads", 1], "two threads": ["--processes", 1, "--threads", 2]}


def step_time(data: Path, out: Path, way: list[object]) -> float:
    """Seconds a step of a training, by the times in its records, one a step."""
    words = ["train", "gan", "--data", data, "--out", out, "--device", "cpu", *SMALL, *way]
    command = [sys.executable, "-m", "likeness", *map(str, words)]
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    seconds = [line["seconds"] for line in lines if line.get("kind") == "terms"]
    return (seconds[-1] - seconds[FIRST - 1]) / (STEPS - FIRST)


def main() -> None:
    if (os.cpu_count() or 1) < 2:
        print("left out: two processors are needed")
        return
    times: dict[str, list[float]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "noise.npy"
        np.save(data, np.random.default_rng(0).integers(0, 256, (1000, 32, 32), dtype=np.uint8))
        for turn in range(3):
            for way in list(WAYS)[:: 1 if turn % 2 else -1]:
                times[way].append(step_time(data, Path(folder) / f"{way}-{turn}", WAYS[way]))
    record("processes", times, reference="two threads", bar=1.1, better="lower")


if __name__ == "__main__":
    main()
