"""`likeness bench RECIPE --data …`: what a training step costs on this machine, part by part; nothing is kept."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass, fields, make_dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from torch.optim import Optimizer

from likeness.app.console import device, progress, say, table, threads, warn, working
from likeness.app.options import parsed
from likeness.data.batching import batches
from likeness.data.dataset import Dataset
from likeness.errors import InputError
from likeness.files import write_json
from likeness.recipes.common import Common, names, recipe
from likeness.recipes.facts import facts_of
from likeness.recipes.pipeline import prepared, read
from likeness.run.folder import environment
from likeness.run.learner import Learner
from likeness.run.speed import PARTS, Speed, Work, matmul_peak, memory, operations, side_by_side, speed, whole

FLAVOURS = {
    "optimisers one by one": {"foreach": False, "fused": False},
    "optimisers foreach": {"foreach": True, "fused": False},
    "optimisers fused": {"foreach": False, "fused": True},
}


@dataclass(frozen=True)
class Options:
    """Measure the training of a recipe; no run is made."""

    seconds: float = 10.0
    """About how long to measure; three rounds of 16 steps at least."""
    compare: bool = False
    """Measure precision, compilation, order in memory and optimisers side by side, and say what is fastest here."""
    json: Path | None = None
    """Write all numbers to this file."""


@dataclass(frozen=True)
class Asked:
    """A recipe by name, its settings, and the options of the measurement."""

    recipe: str
    settings: Common
    options: Options


def parse(words: list[str]) -> Asked:
    """The recipe is the first word; the rest are options of the measurement and settings of the recipe."""
    if not words or words[0] in ("-h", "--help"):
        print("usage: likeness bench RECIPE --data DATA [options]\n")
        for name in names():
            print(f"  {name:20s} {(recipe(name).__doc__ or '').splitlines()[0]}")
        print("\nlikeness bench RECIPE --help tells the options")
        raise SystemExit(0)
    made = recipe(words[0])
    both = make_dataclass("Both", [], bases=(Options, made.Settings), frozen=True)
    both.__doc__ = Options.__doc__
    found = parsed(both, words[1:], f"likeness bench {words[0]}")
    settings, options = ({f.name: getattr(found, f.name) for f in fields(kind)} for kind in (made.Settings, Options))
    return Asked(words[0], made.Settings(**settings), Options(**options))


def run(asked: Asked) -> None:
    """Measure, and show it."""
    s, options = asked.settings, asked.options
    if options.seconds <= 0:
        raise InputError(f"--seconds {options.seconds}: give a number above zero")
    if s.processes != 1 or s.shard:
        raise InputError("--processes, --shard: a step is measured in one process; leave them out")
    threads(s.threads)
    s = replace(s, device=device(s.device))
    with progress("reading") as bar:
        data = read(s, lambda done, total: bar.update(done, total=total))
    warn(data.notes)
    s = recipe(asked.recipe).fitting(s, facts_of(data))
    before, work = memory(torch.device(s.device)), work_of(asked.recipe, s, data)
    with working(f"measuring for {options.seconds:g} s"):
        found = speed(work, options.seconds)
    numbers = _numbers(asked.recipe, s, data, found) | {"memory": memory(work.device), "memory_before": before}
    numbers |= _use(work_of(asked.recipe, replace(s, compile=False), data), s, found)
    _show(numbers)
    if options.compare:
        numbers["variants"] = _compared(asked.recipe, s, data, options.seconds)
    if options.json is not None:
        write_json(options.json, numbers)
        say(f"wrote {options.json}")


def work_of(name: str, settings: Common, data: Dataset) -> Work:
    torch.manual_seed(settings.seed)
    learner = prepared(recipe(name).build(settings, facts_of(data)), settings).learner
    feed = batches(data.train, settings.batch_size or 1, seed=settings.seed, device=settings.device)
    return Work(learner, feed, torch.device(settings.device), settings.accumulate)


def _numbers(name: str, s: Common, data: Dataset, found: Speed) -> dict[str, Any]:
    return {
        "recipe": name,
        "data": data.name,
        "event": list(data.event),
        "batch_size": s.batch_size,
        "precision": s.precision,
        "compile": s.compile,
        "environment": environment(s.device),
        "rounds": found.rounds,
        "step_ms": 1000 * found.step,
        "samples_per_second": (s.batch_size or 1) / found.step,
        "parts_ms": {part: 1000 * seconds for part, seconds in found.parts.items()},
        "clock": found.clock,
    }


def _use(work: Work, s: Common, found: Speed) -> dict[str, float]:
    """Operations a step and a second, and their share of what a matrix product reaches in the same precision."""
    n = operations(work)
    peak = matmul_peak(work.device, torch.bfloat16 if s.precision == "bf16" else torch.float32)
    rate = n / found.step
    return {"flops_per_step": n, "flops_per_second": rate, "matmul_peak": peak, "share_of_peak": rate / peak}


def _show(v: dict[str, Any]) -> None:
    where, event = v["environment"], "×".join(map(str, v["event"]))
    print(f"{v['recipe']} on {v['data']} ({event}): {where['device']}, threads {where['threads']}, {v['precision']}")
    total = sum(v["parts_ms"].values())
    rows = [[part, f"{v['parts_ms'][part]:.3f}", f"{v['parts_ms'][part] / total:.1%}"] for part in PARTS]
    table(["part of a step", "ms", "share"], rows)
    facts = [
        ["a step, undisturbed", f"{v['step_ms']:.3f} ms"],
        ["what looking at its parts adds", f"{v['clock']:+.1%}"],
        [f"samples a second, in batches of {v['batch_size']}", f"{v['samples_per_second']:,.0f}"],
        ["operations a step, forward and backward", f"{v['flops_per_step'] / 1e9:.3g} GFLOP"],
        ["operations a second", f"{v['flops_per_second'] / 1e9:,.3g} GFLOP/s"],
        ["a large matrix product here", f"{v['matmul_peak'] / 1e9:,.3g} GFLOP/s"],
        ["share of it that the step reaches", f"{v['share_of_peak']:.1%}"],
        ["memory of the host, at most", _grown(v, "host")],
    ]
    facts += [["memory of the GPU, at most", _grown(v, "cuda")]] if "cuda" in v["memory"] else []
    table(["measured", "value"], facts)


def _grown(v: dict[str, Any], where: str) -> str:
    most, before = v["memory"][where] / 2**20, v["memory_before"][where] / 2**20
    return f"{most:,.0f} MiB ({most - before:,.0f} of it in training)"


def _compared(name: str, s: Common, data: Dataset, seconds: float) -> dict[str, Any]:
    works = {}
    for label, (settings, change) in variants(s, image=len(data.event) == 3).items():
        with working(f"preparing: {label}"):
            work = work_of(name, settings, data)
            change(work.learner)
            try:
                whole(work)
            except RuntimeError as error:  # such as a missing compiler
                say(f"{label} cannot be run here: {str(error).strip().splitlines()[0][:150]}")
                continue
        works[label] = work
    with working(f"measuring side by side for {seconds * len(works):g} s"):
        times = side_by_side(works, seconds)
    first = next(iter(times.values()))
    found = {label: _against(first, mine) for label, mine in times.items()}
    _show_compared(found)
    return found


def variants(s: Common, *, image: bool) -> dict[str, tuple[Common, Callable[[Learner], object]]]:
    """The settings as they are first, then each with one thing changed, and what to change in what is built of them."""
    compiled = not s.compile
    other: Literal["fp32", "bf16"] = "fp32" if s.precision == "bf16" else "bf16"
    found: dict[str, tuple[Common, Callable[[Learner], object]]] = {
        "as given": (s, lambda learner: None),
        f"--precision {other}": (replace(s, precision=other), lambda learner: None),
        "--compile" if compiled else "--no-compile": (replace(s, compile=compiled), lambda learner: None),
    }
    found |= {"channels first in memory": (s, _channels_first)} if image else {}
    return found | {label: (s, partial(_flavoured, flags)) for label, flags in FLAVOURS.items()}


def _channels_first(learner: Learner) -> None:
    learner.state.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]


def _flavoured(flags: dict[str, bool], learner: Learner) -> None:
    given = learner.optimisers
    for optimiser in [given] if isinstance(given, Optimizer) else given.values():
        for group in optimiser.param_groups:
            group.update({name: on for name, on in flags.items() if name in group})


def _against(first: list[float], mine: list[float]) -> dict[str, float]:
    """The median step, and its ratio to the first in the same round, with the middle half of rounds."""
    low, ratio, high = statistics.quantiles((b / a for a, b in zip(first, mine, strict=True)), n=4, method="inclusive")
    return {"step_ms": 1000 * statistics.median(mine), "ratio": ratio, "low": low, "high": high}


def _show_compared(found: dict[str, dict[str, float]]) -> None:
    rows = [
        [label, f"{v['step_ms']:.3f}", f"{v['ratio']:.3f}", f"{v['low']:.3f} – {v['high']:.3f}"]
        for label, v in found.items()
    ]
    table(["side by side", "step (ms)", "time over the first", "middle half of rounds"], rows)
    best = min(found, key=lambda label: found[label]["ratio"])
    if found[best]["high"] < 1:
        print(f"fastest here: {best}, {1 / found[best]['ratio']:.2f} times as fast as these settings")
    else:
        print("fastest here: the settings as given; no other is faster by more than the rounds differ")
