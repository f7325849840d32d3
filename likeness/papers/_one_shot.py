"""Omniglot, where LIKENESS_DATA holds it: characters without names to learn from, and its own trials of one shot.

Twenty runs, each with one image of twenty characters by one person, and twenty by another that are to be named.

Brenden M. Lake, Ruslan Salakhutdinov, Joshua B. Tenenbaum. Human-level concept learning through probabilistic program
induction. 2015. https://doi.org/10.1126/science.aab3050
"""

import io
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import NamedTuple
from zipfile import ZipFile

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from PIL import Image
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d

from likeness.data import Dataset
from likeness.data.memory import InMemory
from likeness.errors import InputError
from likeness.papers._shelf import shelf
from likeness.represent.nearest import nearest_to

NAME = "omniglot"
SIDE, SIZE = 105, 28  # pixels of a character, as it is and as it is shown


class Run(NamedTuple):
    """Images of known characters, images to be named, and the place of the right one among the former."""

    known: Float[Tensor, "k 1 28 28"]
    asked: Float[Tensor, "n 1 28 28"]
    answer: Int[Tensor, " n"]


def characters(limit: int, seed: int) -> Dataset:
    """Images of the background alphabets, without their names, and a few of them again to be tested on."""
    with np.load(folder() / "omniglot_background.npz", allow_pickle=False) as found:
        packed = found["ink"]
    order = np.random.default_rng(seed).permutation(len(packed))[:limit]
    ink = np.unpackbits(packed[order], axis=1, count=SIDE * SIDE).reshape(-1, 1, SIDE, SIDE)
    x = shown(torch.from_numpy(ink).bool())
    learned, others = InMemory(x), InMemory(x[: len(x) // 10])
    return Dataset(NAME, "images", learned, others, others, (1, SIZE, SIZE))


def runs() -> list[Run]:
    """The official ones."""
    with ZipFile(folder() / "all_runs.zip") as file:
        labels = sorted(name for name in file.namelist() if name.endswith("class_labels.txt"))
        return [_run(file, [line.split() for line in file.read(name).decode().splitlines()]) for name in labels]


def named(encode: Callable[[Tensor], Tensor], trials: list[Run]) -> float:
    """The share of images, in percent, whose nearest known one by angle is the right one."""
    right = []
    for run in trials:
        near = nearest_to(encode(run.asked), encode(run.known), 1, cosine=True).place[:, 0]
        right += (near == run.answer).tolist()
    return 100 * fmean(right)


def shown(ink: Bool[Tensor, "n 1 h w"]) -> Float[Tensor, "n 1 28 28"]:
    """White on black as digits are; a pixel is white if any ink falls on it, which keeps thin strokes."""
    return adaptive_max_pool2d(ink.float(), SIZE) * 2 - 1


def folder() -> Path:
    """Raises InputError where there is none."""
    found = shelf(NAME)
    if found is None:
        raise InputError(f"LIKENESS_DATA names no folder that holds {NAME}: put it there")
    return found


def _run(file: ZipFile, pairs: list[list[str]]) -> Run:
    known = sorted({given for _, given in pairs})
    answer = torch.tensor([known.index(given) for _, given in pairs])
    return Run(_images(file, known), _images(file, [asked for asked, _ in pairs]), answer)


def _images(file: ZipFile, names: list[str]) -> Tensor:
    """Paper is white in these files."""
    pixels = [np.asarray(Image.open(io.BytesIO(file.read(name))).convert("L")) for name in names]
    return shown(torch.from_numpy(np.stack(pixels) == 0)[:, None])
