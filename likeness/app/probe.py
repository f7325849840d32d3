"""`likeness probe RUN`: what can be read from a run's codes, beside pixels, PCA and an untrained encoder."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any, Literal, NamedTuple

import torch
import tyro
from torch import Tensor

from likeness.app.console import progress, say, table
from likeness.app.together import together
from likeness.data.batch import Batch
from likeness.data.batching import whole
from likeness.data.load import load
from likeness.errors import InputError
from likeness.files import write_json
from likeness.judge.features import pca
from likeness.recipes.common import recipe
from likeness.recipes.measuring import DRAWS, LABELS, Encode, worth
from likeness.recipes.pipeline import Session, reopen
from likeness.recipes.spaces import Encoder, encoder
from likeness.represent import probes
from likeness.represent.robustness import images, mean_corruption_error, robustness
from likeness.run.report import finite

LARGEST = 20_000  # samples that a probe learns from, at most


@dataclass(frozen=True, kw_only=True)
class Options:
    """How much few labels, or all of them, tell on a run's codes."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of a run with an encoder."""
    data: str | None = None
    """Data with labels; those the run learned from if not given."""
    labels: tuple[int, ...] = LABELS
    """How many labelled samples a probe learns from, besides all of them."""
    draws: int = DRAWS
    """How often labels are drawn anew; what is shown are means."""
    transfer: str | None = None
    """Other data with labels, in the run's shape: the same encoder, probes of their own."""
    corrupt: bool = False
    """Also test on corrupted images: noise, hidden and stuck pixels, light, contrast."""
    checkpoint: Literal["best", "last"] | None = None
    """Which weights; the best by the judged score if not given."""
    seed: int = 0
    """Decides which labels are drawn, what is held out of them, and the noise."""
    device: str = "auto"
    """cpu, cuda, cuda:1 …; auto takes a GPU where there is one."""
    threads: int | None = None
    """Processor threads."""
    json: Path | None = None
    """Where to; probe.json in the run if not given."""


class Material(NamedTuple):
    """Samples that probes learn from, and those they are tested on, with labels."""

    name: str
    train: Batch
    test: Batch


def run(options: Options) -> None:
    if options.draws < 1 or any(n < 2 for n in options.labels):
        raise InputError(
            f"--labels {options.labels}, --draws {options.draws}: give two labels or more, one draw or more"
        )
    with together(options.device, options.threads) as where:
        session = reopen(options.run, which=options.checkpoint, device=where)
        encoder(session)  # a run without one is told before data are read
        found: dict[str, Any] = {"run": str(options.run), "recipe": session.run.recipe, "seed": options.seed}
        with progress("probing") as bar:
            for key, name in (("probe", options.data or session.settings.data), ("transfer", options.transfer)):
                if name is None:
                    continue
                data = _material(session, name)
                ways = beside(session, data.train.x, seed=options.seed)
                bar.update(0, f"probes on {data.name}")
                found[key] = {"data": data.name, **_accuracies(data, ways, options)}
                if options.corrupt and key == "probe":
                    bar.update(0, "corrupted images")
                    found["corrupted"] = _corrupted(data, ways, options.seed)
    _tell(found)
    out = options.json or options.run / "probe.json"
    write_json(out, finite(found))
    say(f"wrote {out}")


def _material(session: Session, name: str) -> Material:
    """Data in the shape that the run encodes.

    Raises:
        InputError: they have no labels, or another shape.
    """
    s, event = session.settings, tuple(session.facts.event)
    is_image = len(event) == 3
    size, channels = (event[-1], event[0]) if is_image and name != s.data else (s.size, s.channels)
    data = load(name, size=size, channels=channels, seed=s.seed, label=s.label)
    if len(data.classes) < 2:
        many = len(data.classes) or "no"
        raise InputError(f"{data.name} has {many} classes: a probe needs labels, give --data that have them")
    if data.event != event:
        raise InputError(f"samples of {name} have shape {data.event}, the run learned {event}: make them alike")
    return Material(data.name, whole(data.train, LARGEST), whole(data.test))


def untrained(session: Session, seed: int = 0) -> Encoder:
    """The same encoder with the weights it had before it learned anything, from another seed."""
    made, settings = recipe(session.run.recipe), session.settings
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = made.build(settings, session.facts)
    model.learner.method.eval()
    return Encoder(model, tuple(session.facts.event), session.run.recipe)


def beside(session: Session, train: Tensor, *, seed: int = 0) -> dict[str, Encode]:
    """What a run's features have to beat, by name, with its own first: all from samples (n, *event) to (n, d)."""
    d = encoder(session)(train[:2].to(session.settings.device)).shape[1]
    device = session.settings.device
    own = {f"run ({session.run.recipe})": encoder(session), "random encoder": untrained(session, seed)}
    found: dict[str, Encode] = {name: partial(_coded, network, device) for name, network in own.items()}
    plain = pca(train, components=min(d, train[0].numel(), len(train) - 1))
    return found | {"raw": lambda x: x.flatten(1).float(), plain.name: plain.extract}


@torch.no_grad()
def _coded(network: Encoder, device: str, x: Tensor) -> Tensor:
    return torch.cat([network(part.to(device)).cpu() for part in x.split(256)])


def _accuracies(data: Material, ways: Mapping[str, Encode], o: Options) -> dict[str, Any]:
    rows = worth(ways, data.train, data.test, labels=o.labels, draws=o.draws, seed=o.seed)
    return {"draws": o.draws, "test": len(data.test.x), "accuracy": rows}


def _corrupted(data: Material, ways: Mapping[str, Encode], seed: int) -> dict[str, Any]:
    """Mean accuracy over severities by kind, of linear probes on all labels; errors as a share of those on raw pixels.

    Raises:
        InputError: the samples are no images.
    """
    if data.train.x.ndim != 4:
        raise InputError(f"--corrupt is for images, {data.name} holds {tuple(data.train.x.shape[1:])}: leave it out")
    y, y_test, found = _y(data.train), _y(data.test), {}
    for name, encode in ways.items():
        probe = probes.fitted_linear(encode(data.train.x), y, seed=seed)
        found[name] = robustness(encode, probe, data.test.x, y_test, images(), seed=seed)
    return {
        name: {kind: fmean(values) for kind, values in rows.items()}
        | {"mCE": mean_corruption_error(rows, found["raw"])}
        for name, rows in found.items()
    }


def _y(batch: Batch) -> Tensor:
    assert batch.y is not None, "labelled data have labels"
    return batch.y


def _tell(found: Mapping[str, Any]) -> None:
    for key in ("probe", "transfer"):
        if key in found:
            part = found[key]
            title = f"accuracy on {part['test']} test samples of {part['data']}, by labels learned from"
            _table(part["accuracy"], f"{title} (means of {part['draws']} draws)")
    if "corrupted" in found:
        title = "accuracy on corrupted images, means over five severities (mCE: errors as a share of raw pixels')"
        _table(found["corrupted"], title)


def _table(rows: Mapping[str, Mapping[str, float]], title: str) -> None:
    columns = list(next(iter(rows.values())))
    table(("features", *columns), [(name, *(f"{row[c]:.3f}" for c in columns)) for name, row in rows.items()], title)
