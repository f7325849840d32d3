"""Which feature space suits which data, by the name a person gives on the command line."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from torch import Tensor, nn

from likeness.data.batching import whole
from likeness.data.dataset import Dataset
from likeness.errors import InputError, unknown
from likeness.judge.classifier import classifier
from likeness.judge.features import FeatureSpace, Fit, pca, raw
from likeness.judge.material import shares
from likeness.judge.protocol import weights_hash
from likeness.nn.ngrams import NgramFeatures
from likeness.recipes.common import Model
from likeness.recipes.pipeline import Session, reopen

RUN = "run:"  # before the folder of a run whose codes are the space
LEARNED = 20_000  # training samples that spaces and ratios learn from, at most
NAMES = ("auto", "raw", "pca", "classifier", "inception", "dinov2", "ngrams")


def chosen(name: str, event: tuple[int, ...], labelled: bool) -> str:
    """The name itself; for "auto" a classifier where there are labels for images, else pca for images, else raw.

    Raises:
        InputError: the name is neither one of NAMES nor `run:FOLDER`.
    """
    if name.startswith(RUN):
        return name
    if name not in NAMES:
        raise unknown("feature space", name, (*NAMES, f"{RUN}FOLDER"))
    if name != "auto":
        return name
    if len(event) != 3:
        return "raw"
    return "classifier" if labelled else "pca"


def fit_of(name: str, event: tuple[int, ...], labelled: bool, seed: int, device: str) -> Fit | FeatureSpace:
    """What makes the feature space of that name.

    Raises:
        InputError: a classifier without labels; weights that cannot be had; a run that has no encoder.
    """
    name = chosen(name, event, labelled)
    if name.startswith(RUN):
        return run_space(Path(name.removeprefix(RUN)), device)
    if name == "classifier" and not labelled:
        raise InputError("--features classifier needs labels and the data have none: use pca, raw or inception")
    if name == "inception":
        from likeness.judge.weights import inception

        return inception()
    if name == "dinov2":
        from likeness.judge.dino import dinov2

        return dinov2()
    fits: dict[str, Fit] = {"raw": raw, "pca": pca, "classifier": partial(classifier, seed=seed, device=device)}
    fits["ngrams"] = ngrams
    return fits[name]


def space_for(name: str, data: Dataset, seed: int, device: str) -> FeatureSpace:
    """The space of that name for a data set, fitted to one half of its training samples (`fitted`).

    Raises:
        InputError: as `fit_for`.
    """
    return fitted(fit_for(name, data, seed, device), data, seed)


def fit_for(name: str, data: Dataset, seed: int, device: str) -> Fit | FeatureSpace:
    """What makes the space of that name for a data set.

    Raises:
        InputError: the space does not suit the data, or cannot be had (`fit_of`).
    """
    if (name == "ngrams") != (data.kind == "text") and (name != "auto"):
        raise InputError(f"--features {name} does not suit {data.kind}: leave it out")
    name = "ngrams" if data.kind == "text" else name
    made = fit_of(name, data.event, bool(data.classes), seed, device)
    if isinstance(made, FeatureSpace) and isinstance(made.extract, Encoder):
        made.extract.check(data.event)
    return made


def fitted(made: Fit | FeatureSpace, data: Dataset, seed: int) -> FeatureSpace:
    """The space, fitted to one half of the training samples where it has to be.

    The other half is left to the memoriser, a baseline that a classifier which has seen it would flatter.
    """
    if isinstance(made, FeatureSpace):
        return made
    train = whole(data.train, LEARNED)
    seen, _ = shares(train.x, seed=seed)
    labels: Tensor | None = None if train.y is None else train.y[seen]
    return made(train.x[seen], labels)


def ngrams(x: Tensor, y: Tensor | None = None) -> FeatureSpace:
    """What token ids `x` are made of, see `nn.ngrams`."""
    made = NgramFeatures(x)
    return FeatureSpace("ngrams", made, weights_hash({"mean": made.mean, "basis": made.basis}))


class Encoder(nn.Module):
    """A model's codes of samples of one shape, (n, *event) to (n, d)."""

    def __init__(self, model: Model, event: tuple[int, ...], what: str) -> None:
        super().__init__()
        if model.encode is None:
            raise InputError(f"{what} has no codes: use a run with an encoder (`likeness train --help` lists recipes)")
        self.state, self.model_encode, self.event, self.what = model.learner.state, model.encode, event, what

    def forward(self, x: Tensor) -> Tensor:
        self.check(x.shape[1:])
        return self.model_encode(x).flatten(1).float()

    def check(self, event: Sequence[int]) -> None:
        """Raises InputError for samples of another shape."""
        if tuple(event) != self.event:
            shapes = f"samples have shape {tuple(event)}, {self.what} encodes {self.event}"
            raise InputError(f"{shapes}: read them with --size and --channels of that run")


def run_space(folder: Path, device: str = "cpu") -> FeatureSpace:
    """The codes of a run as a space to compare samples in; its name says the recipe, its hash the weights.

    Raises:
        InputError: the folder is no run, or has no encoder.
    """
    session = reopen(folder, device=device)
    network = encoder(session)
    return FeatureSpace(f"{RUN}{session.run.recipe}", network, weights_hash(network.state.state_dict()))


def encoder(session: Session) -> Encoder:
    """Raises InputError where the run has no codes."""
    return Encoder(session.model, tuple(session.facts.event), f"{session.run.folder} ({session.run.recipe})")
