"""What comes in: data sets as values, their splits, and batches of them."""

from likeness.data.batch import Batch, Split
from likeness.data.batching import batches, whole
from likeness.data.columns import Columns
from likeness.data.dataset import Dataset
from likeness.data.load import load
from likeness.data.memory import InMemory
from likeness.data.truth import Checkerboard, Laplace, Mixture, Truth

__all__ = [
    "Batch",
    "Checkerboard",
    "Columns",
    "Dataset",
    "InMemory",
    "Laplace",
    "Mixture",
    "Split",
    "Truth",
    "batches",
    "load",
    "whole",
]
