"""What every recipe has in common: the settings a person gives, the facts it is told about their data, what it builds.

A recipe is a module of this room with three names: `Settings`, a flat frozen dataclass that extends `Common`;
`fitting(settings, facts) -> Settings`, which makes every choice that was left open; and
`build(settings, facts) -> Model`. Its file name is its name on the command line; nothing else lists it. `KINDS`
names the kinds of data that it is for, where those are not the ones of a fixed shape (vectors, images, table).
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Annotated, Any, Literal, NamedTuple, Protocol, runtime_checkable

from torch import Tensor, nn

from likeness.data.columns import Columns
from likeness.errors import InputError, unknown
from likeness.findings import Finding
from likeness.run.learner import Learner
from likeness.run.snapshot import Stateful
from likeness.sampling import Sampler, Streams

# Files of this room that are no recipe.
SHARED = {
    "common",
    "pipeline",
    "feeding",
    "spaces",
    "watching",
    "refinement",
    "outcome",
    "writing",
    "facts",
    "decoders",
    "rules",
    "denoising",
    "drawing",
    "representing",
    "measuring",
    "line_reading",
}


@dataclass(frozen=True)
class Range:
    """Where a sweep looks for a number: from `low` to `high`, both included, by their ratio where `log`.

    It stands beside the setting, `lr: Annotated[float, Range(1e-4, 1e-2, log=True)]`. Literals and truth values need
    none. A recipe may name in `SEARCHED` what is searched if nothing is asked for; otherwise all that have a range are.
    """

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True)
class Common:
    """Settings of every recipe."""

    data: str
    """What to learn from: images in a folder, an array (.npy), a table (.csv, .parquet), text (.txt), or a name."""
    out: Path | None = None
    """Folder of the run; a new one below runs/ if not given."""
    steps: int | None = None
    """Batches to learn from; chosen by the data if not given."""
    batch_size: Annotated[int | None, Range(16, 512, log=True)] = None
    """Samples in a batch; chosen by the data if not given."""
    seed: int = 0
    """Decides first weights, order of the data and all draws."""
    device: str = "auto"
    """cpu, cuda, cuda:1 …; auto takes a GPU where there is one."""
    threads: int | None = None
    """Processor threads."""
    size: int | None = None
    """Side of the images in pixels; needed where they differ in size."""
    channels: Literal[1, 3] | None = None
    """1 for grey, 3 for colour; as the data are if not given."""
    label: str | None = None
    """Column of a table that holds the class."""
    limit: int | None = None
    """Use at most so many training samples."""
    tokens: Literal["characters", "pieces", "words"] = "characters"
    """What text is cut into."""
    pieces: int | None = None
    """Word pieces at most, characters among them; 500 if not given."""
    length: int | None = None
    """Tokens in a window of text; 80 if not given."""
    skip_broken: bool = False
    """Leave out files that cannot be read (they are counted and named) instead of stopping."""
    stream: bool = False
    """Read samples as they are needed, even where they would fit in memory."""
    features: str = "auto"
    """Space in which draws are judged: raw, pca, classifier, inception, dinov2, ngrams, or run:FOLDER, the codes of a
    run with an encoder. auto is a classifier where there are labels, else pca for images, ngrams for text, else
    raw."""
    judge_every: int | None = None
    """Steps from one judged checkpoint to the next; a tenth of the training if not given."""
    patience: int | None = None
    """Stop after so many judged checkpoints without a better one; never if not given."""
    report: bool = True
    """After the training, refine the draws, judge them before and after, and write the report."""
    save_every: int | None = None
    """Steps from one saved state to the next, to go on from; at judged checkpoints they are saved anyway."""
    keep: int = 2
    """How many of the last states are kept."""
    processes: int = 1
    """Processes that share each batch; started here, unless torchrun has done so."""
    max_restarts: int = 0
    """How often all of them begin again, from the last saved state, when one dies."""
    shard: bool = False
    """Share the parameters out among the processes too; for methods with one loss."""
    accumulate: int = 1
    """Pieces that a batch is cut into where its activations are too large for the memory."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Of what networks compute; parameters, losses and penalties are in fp32 anyway."""
    compile: bool = False
    """Compile the networks that are not differentiated twice: slower to start, then faster."""
    track: tuple[Literal["tensorboard", "mlflow", "wandb", "none"], ...] = ("tensorboard",)
    """Where the course of the training goes besides metrics.jsonl."""


FREE = {"steps", "data", "device", "threads", "report", "save_every", "keep", "processes", "max_restarts", "track"}


def changeable(name: str) -> bool:
    """Whether a run that goes on may do so with another value of the setting: more steps, other rates or machines."""
    return name in FREE or name.startswith("lr")


class Facts(NamedTuple):
    """What a recipe may know of the data to build for them; kept in the run, so that it can be built again without.

    `columns` is the codec of a table (`Columns.state`), `vocabulary` that of text (`Vocabulary.state`); `levels` is the
    number of values that a pixel has, None where the data are no images or their pixels are not rounded.
    """

    kind: str
    event: tuple[int, ...]
    classes: tuple[str, ...]
    label_counts: tuple[int, ...]
    n_train: int
    columns: tuple[dict[str, Any], ...] = ()
    vocabulary: dict[str, Any] | None = None
    levels: int | None = None

    @classmethod
    def restored(cls, values: dict[str, Any]) -> "Facts":
        """From JSON, which knows lists and no tuples."""
        v = values
        names = tuple(v["classes"]), tuple(v["label_counts"])
        first = cls(v["kind"], tuple(v["event"]), *names, v["n_train"], tuple(v.get("columns", ())))
        return first._replace(vocabulary=v.get("vocabulary"), levels=v.get("levels"))  # older runs know of neither


@runtime_checkable
class Watch(Stateful, Protocol):
    """Says in words what is wrong with a training, given the mean terms since the last look."""

    def __call__(self, terms: dict[str, float]) -> list[Finding]: ...


class Model(NamedTuple):
    """What a recipe builds.

    Attributes:
        learner: what trains.
        sampler: draws, from averaged weights where the recipe keeps them; `silent` of what learns no distribution.
        critic: the model's own judgement of a sample, a logit (n,) positive for real; None where it has none.
        logistic: whether that logit is a log density ratio.
        decode, d_z: latent vectors (n, d_z) to samples, differentiable; None where there is no latent space.
        watch: says what is wrong with the training.
        log_prob: nats (n,) that the model gives to samples (n, *event); None where it has no density.
        log_prob_kind: exact, bound or unnormalised.
        levels: `log_prob` is of the probability of values rounded to so many levels; None where it is of a density.
        score: the name and the cost (n,) of validation samples by which checkpoints are chosen, the lowest first; if
            None the negative `log_prob`, else the Fréchet distance of draws.
        labelled: the cost of `score` is of a `Batch` with its labels instead.
        encode: codes (n, d) of samples (n, *event); None where there are none.
        reconstruct: what the codes of samples are decoded to, or what is restored from under noise; it tells of that in
            its `findings`, where it has any.
        variants: `variants(x, n, scale=1.0, generator=None)` draws near given samples, (m, n, *event).
        drawing: the sampler whose rule, steps, noise and guidance may be changed at each call; None for families whose
            draws have none (`drawing.Drawing`).
        drawn: what the draws are, where a family has two kinds ("samples of p(x|z)", "means of p(x|z)"): figures and
            scores say it.
        walks: whether each draw is a walk of many steps through a network: of such draws few are made.
        settle: fits to training samples (n, *event), before a checkpoint is judged, what is drawn from besides what
            trains, such as a density of codes; it is part of the state.
        energy: what is the higher the less a sample is like the data, (n,), of a model that has an energy.
        ready: whether there is something to judge yet; checkpoints before are not scored.
        vae: the model with its posterior, as it is drawn from, for `likeness diagnose`; None for other families.
        tables: `tables(data, space)` measures what else a report shows: rows of a table, by its title.
        shown: what the report of a model without draws has pictures of, of test samples (n, *event).
    """

    learner: Learner
    sampler: Sampler
    critic: nn.Module | None = None
    logistic: bool = True
    decode: Callable[[Tensor], Tensor] | None = None
    d_z: int | None = None
    watch: Watch | None = None
    log_prob: Callable[[Tensor], Tensor] | None = None
    log_prob_kind: str = "exact"
    levels: int | None = None
    score: tuple[str, Callable[[Any], Tensor]] | None = None
    labelled: bool = False
    encode: Callable[[Tensor], Tensor] | None = None
    reconstruct: Callable[[Tensor], Tensor] | None = None
    variants: Callable[..., Tensor] | None = None
    settle: Callable[[Tensor], object] | None = None
    energy: Callable[[Tensor], Tensor] | None = None
    ready: Callable[[], bool] | None = None
    vae: Any = None
    drawing: Any = None
    drawn: str = ""
    tables: Callable[..., dict[str, list[dict[str, Any]]]] | None = None
    walks: bool = False
    shown: Callable[[Tensor], dict[str, Tensor]] | None = None

    @property
    def draws(self) -> bool:
        """Whether there is a distribution to draw from."""
        return self.sampler is not silent


def silent(n: int, *, generator: int | Streams | None = None) -> Tensor:
    """The sampler of a model that learns a representation and no distribution.

    Raises:
        InputError: always.
    """
    raise InputError("a run that learns a representation has nothing to draw: use likeness embed or likeness probe")


def drawing_rows(model: Model, facts: Facts) -> Model:
    """The model with draws that are legal rows of the table it learned, as a file of them holds; else as it is."""
    if not facts.columns or not model.draws:
        return model
    columns, sampler = Columns.from_state(list(facts.columns)), model.sampler

    def sample(n: int, *, generator: int | Streams | None = None, **given: Any) -> Tensor:
        return columns.legal(sampler(n, generator=generator, **given))

    return model._replace(sampler=sample)


def names() -> list[str]:
    """The recipes there are: the modules of this room."""
    here = str(Path(__file__).parent)
    return sorted(m.name.replace("_", "-") for m in iter_modules([here]) if m.name not in SHARED)


def recipe(name: str) -> ModuleType:
    """Raises InputError for a name that is no recipe."""
    if name not in names():
        raise unknown("recipe", name, names())
    return import_module(f"likeness.recipes.{name.replace('-', '_')}")


def suits(name: str, kind: str, data: str) -> None:
    """Raises InputError where a recipe is not for data of this kind; without `KINDS` it is for those of fixed shape."""
    if kind not in kinds(name):
        able = [other for other in names() if kind in kinds(other)]
        raise InputError(f"{name} is not for {kind}, and {data} is {kind}: use likeness train {' or '.join(able)}")


def kinds(name: str) -> tuple[str, ...]:
    """The kinds of data that a recipe is for."""
    return getattr(recipe(name), "KINDS", ("vectors", "images", "table"))


def positive(settings: Common, *names: str) -> None:
    """Raises InputError for the first of the named settings that is given and not above zero."""
    for name in names:
        value = getattr(settings, name)
        if value is not None and value <= 0:
            raise InputError(f"--{name.replace('_', '-')} {value}: give a number above zero")
