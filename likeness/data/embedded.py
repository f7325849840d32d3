"""Data that need no file and no network: the toys, scikit-learn's digits, procedurally drawn shapes and a made table.

digits  1 797 handwritten digits of 8 × 8 grey pixels in ten classes (E. Alpaydin, C. Kaynak. Optical Recognition
        of Handwritten Digits. 1998. https://doi.org/10.24432/C50P49, CC BY 4.0)
descriptions  scikit-learn's descriptions of its small data sets, 15 000 characters of English
shapes  one coloured ellipse, square, triangle or cross of 32 × 32 pixels on black, with its factors:
        `load("shapes").train.factors["rotation"]`
mixed-table  ten numeric and five categorical columns of known dependence, with gaps (see `made_table`)
"""

import numpy as np
import torch

from likeness.data import made_table, shapes, text
from likeness.data.dataset import Dataset, Options, assemble
from likeness.data.memory import InMemory, to_uint8
from likeness.data.pixels import prepared
from likeness.data.splits import TEST, TRAIN, VALIDATION, divide
from likeness.data.table import tables
from likeness.data.toys import TOYS
from likeness.errors import InputError
from likeness.sampling import Streams

TOY_SIZES = {TRAIN: 50_000, VALIDATION: 10_000, TEST: 10_000}
SHAPE_SIZES = {TRAIN: 8_000, VALIDATION: 1_000, TEST: 2_000}
TABLE_SIZES = {TRAIN: 8_000, VALIDATION: 2_000, TEST: 4_000}
EMBEDDED = ("digits", "shapes", "mixed-table", "descriptions", *TOYS)


def embedded(name: str, options: Options) -> Dataset:
    """The embedded data set of that name; `name` is one of EMBEDDED."""
    if name == "mixed-table":
        return mixed_table(options)
    if options.label is not None:
        raise InputError(f"label {options.label!r}: {name} has no columns to choose from; leave it out")
    if name == "descriptions":
        return text.texts(name, {TRAIN: descriptions()}, options)
    if name in TOYS:
        return toy(name, options)
    return digits(options) if name == "digits" else drawn_shapes(options)


def toy(name: str, options: Options) -> Dataset:
    """Fresh samples of a toy for every part, each part with streams of its own, independent of the others."""
    if options.size is not None or options.channels is not None:
        raise InputError(f"{name} holds vectors: size and channels are for images; leave them out")
    truth, (_, classes) = TOYS[name].make(), TOYS[name]
    parts = {}
    for part, n in _sizes(TOY_SIZES, options).items():
        drawn = truth.labelled(n, generator=Streams(options.seed).split(name, part))
        parts[part] = InMemory(drawn.x, drawn.y)
    return assemble(name, "vectors", parts, options, classes=classes, truth=truth)


def digits(options: Options) -> Dataset:
    """scikit-learn's digits, which have no official parts."""
    from sklearn.datasets import load_digits

    found = load_digits()
    grey = torch.from_numpy(np.round(found.images * (255 / 16)).astype(np.uint8))[:, None]
    images = prepared(grey, options.size, options.channels)
    parts, notes = divide(
        {TRAIN: InMemory(images, torch.from_numpy(found.target))}, seed=options.seed, limit=options.limit
    )
    return assemble("digits", "images", parts, options, classes=tuple("0123456789"), notes=notes)


def descriptions() -> str:
    """One text of all of them."""
    from sklearn import datasets as d

    made = (d.load_iris, d.load_digits, d.load_wine, d.load_breast_cancer, d.load_diabetes, d.load_linnerud)
    return "\n".join(load().DESCR for load in made)


def drawn_shapes(options: Options) -> Dataset:
    """Shapes drawn at the size that is asked for, with independent uniform factors."""
    parts = {}
    for part, n in _sizes(SHAPE_SIZES, options).items():
        factors = shapes.factors(n, generator=Streams(options.seed).split("shapes", part))
        images = torch.cat(
            [
                to_uint8(shapes.picture(shapes.Factors(*f), options.size or 32))
                for f in zip(*(v.split(500) for v in factors))
            ]
        )
        parts[part] = InMemory(prepared(images, None, options.channels), factors.kind, factors=factors._asdict())
    return assemble("shapes", "images", parts, options, classes=shapes.KINDS)


def mixed_table(options: Options) -> Dataset:
    """Fresh rows of the made table for every part."""
    parts = {
        part: made_table.rows(n, generator=Streams(options.seed).split("mixed-table", part))
        for part, n in _sizes(TABLE_SIZES, options).items()
    }
    return tables("mixed-table", parts, options)


def _sizes(full: dict[str, int], options: Options) -> dict[str, int]:
    if options.limit is not None and options.limit < 1:
        raise InputError(f"limit {options.limit}: keep 1 training sample or more")
    return {part: min(n, options.limit or n) if part == TRAIN else n for part, n in full.items()}
