"""Whether the defaults are the fastest here: the GAN recipe's step as it is, and with one thing changed at a time.

Points in the plane and 32×32 images; one thread and two. Precision, compilation of what is not differentiated twice,
order of the weights in memory, and how Adam is carried out. The bar: the default takes at most 5 % more time than the
fastest of the others in the same precision. bf16 is shown, and is no default: it changes the numbers.
"""

import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from harness import record, side_by_side

from likeness.app.bench import variants, work_of
from likeness.data import load
from likeness.data.dataset import Dataset
from likeness.recipes.facts import facts_of
from likeness.recipes.gan import Settings, fitting
from likeness.run.speed import ROUND, whole


def measure(name: str, data: Dataset, settings: Settings, rounds: int) -> None:
    image = len(data.event) == 3
    works = {}
    for label, (changed, change) in variants(settings, image=image).items():
        works[label] = work_of("gan", changed, data)
        change(works[label].learner)
    times = side_by_side({label: lambda w=work: whole(w) for label, work in works.items()}, rounds=rounds, warm=1)
    times = {label: [t / ROUND for t in found] for label, found in times.items()}
    given = times.pop("as given")
    ratios = {
        label: round(statistics.median(a / b for a, b in zip(found, given, strict=True)), 4)
        for label, found in times.items()
    }
    best = min((label for label in ratios if "precision" not in label), key=lambda label: ratios[label])
    facts = {"time_over_the_default": ratios}
    record(name, {"as given": given, best: times[best]}, reference=best, bar=1.05, better="lower", facts=facts)
    for label, ratio in ratios.items():
        print(f"{name:12s} {label:28s} {ratio:10.3f} of the default's time")


def main() -> None:
    threads = [int(n) for n in sys.argv[1:]] or [1, 2]
    with tempfile.TemporaryDirectory() as folder:
        noise = Path(folder) / "noise.npy"
        np.save(noise, np.random.default_rng(0).integers(0, 256, (1000, 32, 32), dtype=np.uint8))
        for n in threads:
            torch.set_num_threads(n)
            for what, source, width, rounds in (("points", "grid25", None, 40), ("images", noise, 16, 9)):
                data = load(str(source))
                settings = fitting(Settings(data=str(source), device="cpu", width=width), facts_of(data))
                measure(f"defaults_{what}_{n}", data, settings, rounds)


if __name__ == "__main__":
    main()
