"""The encoder of a run as a feature space and beside others: as trained, as it was before training, raw pixels, PCA."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from likeness.data.dataset import Dataset
from likeness.errors import InputError
from likeness.judge.features import FeatureSpace, pca
from likeness.judge.protocol import weights_hash
from likeness.recipes.common import Model, recipe
from likeness.recipes.pipeline import Session, reopen

RUN = "run:"  # the beginning of a feature space's name, before the folder of a run
Encode = Callable[[Tensor], Tensor]


class Encoder(nn.Module):
    """A model's codes of samples of one shape, (n, *event) to (n, d)."""

    def __init__(self, model: Model, event: tuple[int, ...], what: str) -> None:
        super().__init__()
        if model.encode is None:
            raise InputError(f"{what} has no codes: use a run with an encoder (`likeness train --help` lists recipes)")
        self.state, self.model_encode, self.event, self.what = model.learner.state, model.encode, event, what

    def forward(self, x: Tensor) -> Tensor:
        if tuple(x.shape[1:]) != self.event:
            shapes = f"samples have shape {tuple(x.shape[1:])}, {self.what} encodes {self.event}"
            raise InputError(f"{shapes}: read them with --size and --channels of that run")
        return self.model_encode(x).flatten(1).float()


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


def labelled(data: Dataset) -> Dataset:
    """Raises InputError for data without classes, of which a probe could learn nothing."""
    if len(data.classes) < 2:
        raise InputError(
            f"{data.name} has {len(data.classes) or 'no'} classes: a probe needs labels, give data with them"
        )
    return data
