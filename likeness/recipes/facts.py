"""What a recipe is told about data, before it sees any."""

import torch

from likeness.bits import levels_of
from likeness.data.batching import Ordered, whole
from likeness.data.dataset import Dataset
from likeness.recipes.common import Facts

COUNTED = 20_000  # samples of a stream by which the frequencies of its classes are told
LOOKED_AT = 2000  # images by which the levels of pixels are told


def facts_of(data: Dataset) -> Facts:
    """The facts about a data set, as a run keeps them."""
    labels: tuple[int, ...] = ()
    if data.classes:
        y = whole(data.train, COUNTED if isinstance(data.train, Ordered) else None).y
        assert y is not None
        labels = tuple(torch.bincount(y, minlength=len(data.classes)).tolist())
    return Facts(
        data.kind,
        tuple(data.event),
        tuple(data.classes),
        labels,
        len(data.train),
        () if data.columns is None else tuple(data.columns.state()),
        None if data.vocabulary is None else data.vocabulary.state(),
        levels_of(whole(data.train, LOOKED_AT).x) if len(data.event) == 3 else None,
    )
