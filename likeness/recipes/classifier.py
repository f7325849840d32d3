"""A classifier of labelled samples: trained from nothing, or on the encoder of a run that learned without labels.

`likeness train simclr --data D --out runs/s`, then `likeness train classifier --data FEW --model runs/s` fine-tunes
that encoder with a tenth of the head's rate, and `--frozen` leaves it as it is. The run has to stay where it is.
Checkpoints are chosen by the cross-entropy of validation samples.

Jason Yosinski, Jeff Clune, Yoshua Bengio, Hod Lipson. How transferable are features in deep neural networks? 2014.
https://arxiv.org/abs/1411.1792
"""

import copy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from likeness.data.batch import Batch
from likeness.data.batching import whole
from likeness.data.dataset import Dataset
from likeness.errors import InputError
from likeness.judge.classifier import calibration
from likeness.judge.features import FeatureSpace
from likeness.recipes.common import Facts, Model, Range
from likeness.recipes.measuring import LARGEST
from likeness.recipes.pipeline import reopen
from likeness.recipes.representing import Viewed, assembled, chosen, networks
from likeness.represent.supervised import Classifier
from likeness.represent.transfer import FeatureExtraction, FineTuning


@dataclass(frozen=True)
class Settings(Viewed):
    """Learn to tell classes."""

    model: str | None = None
    """Folder of a run whose encoder to begin with; from nothing if not given."""
    frozen: bool = False
    """Leave that encoder as it is and learn the head alone."""
    factor: Annotated[float, Range(0.01, 1.0, log=True)] = 0.1
    """Rate of that encoder, as a share of the head's."""
    change: bool = True
    """Change training samples by --views."""
    smoothing: float = 0.0
    """Share of a label that goes to all classes alike."""


def fitting(settings: Settings, facts: Facts) -> Settings:
    """The settings with every open choice made by the data.

    Raises:
        InputError: data without labels, a run without an encoder for such samples, or a number out of its range.
    """
    if len(facts.classes) < 2:
        raise InputError("a classifier needs labels of two classes or more: use class subfolders, y, or --label")
    if settings.frozen and settings.model is None:
        raise InputError("--frozen leaves the encoder of a run as it is: give the run by --model")
    if settings.model is not None:
        _encoder(settings, facts)
        rate = 0.02 if settings.frozen and settings.optimiser == "adam" and settings.lr is None else settings.lr
        settings = replace(settings, model=str(Path(settings.model).resolve()), lr=rate)  # a head alone can go fast
    return chosen(settings, facts)


def build(settings: Settings, facts: Facts) -> Model:
    """The network and its optimiser, for settings without open choices."""
    s, k = settings, len(facts.classes)
    f, _, view = networks(settings, facts)
    given: dict[str, Any] = {"smoothing": s.smoothing, "view": view if s.change else None}
    method: Any
    if s.model is None:
        method = Classifier(f, k, **given)
    else:
        method = (FeatureExtraction if s.frozen else FineTuning)(_encoder(s, facts), k, **given)
    own = {"score": ("cross_entropy", partial(_cost, method)), "labelled": True, "watch": None, "shown": None}
    factor = 1.0 if s.model is None else s.factor
    return assembled(method, s, facts, factor=factor, tables=partial(_tables, method), **own)


def _encoder(settings: Settings, facts: Facts) -> nn.Module:
    session = reopen(Path(settings.model or ""))
    f: Any = getattr(session.model.learner.method, "f", None)
    if not isinstance(getattr(f, "d", None), int):
        raise InputError(
            f"--model {settings.model} is a run of {session.run.recipe}, which has no encoder of that kind: "
            "use one of simclr, moco, align-uniform, relic, swav, rotation or classifier"
        )
    if session.facts.event[0] != facts.event[0] or len(session.facts.event) != len(facts.event):
        raise InputError(
            f"--model {settings.model} learned samples of shape {session.facts.event}, these have {facts.event}: "
            "read them with the same --channels"
        )
    return copy.deepcopy(f)


def _cost(method: Any, batch: Batch) -> Tensor:
    assert batch.y is not None
    return cross_entropy(method.logits(batch.x), batch.y, reduction="none")


def _tables(method: Any, data: Dataset, space: FeatureSpace) -> dict[str, list[dict[str, Any]]]:
    """Accuracy, cross-entropy and calibration on test samples, and the accuracy of each class."""
    batch, device = whole(data.test, LARGEST), next(method.parameters()).device
    assert batch.y is not None
    c = torch.cat([method.logits(part.to(device)).cpu() for part in batch.x.split(256)])
    right, y = c.argmax(1) == batch.y, batch.y
    _, ece = calibration(c.softmax(1), y)
    row = {
        "accuracy": float(right.double().mean()),
        "cross-entropy": float(cross_entropy(c, y)),
        "calibration error": ece,
    }
    each = [
        {"class": name, "test samples": int((y == k).sum()), "accuracy": float(right[y == k].double().mean())}
        for k, name in enumerate(data.classes)
        if (y == k).any()
    ]
    return {"Test samples": [row], "By class": each}
