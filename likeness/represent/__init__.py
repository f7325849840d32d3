"""Representations: what is worth keeping of a sample, one paper a file, and what it is good for."""

from likeness.represent.anomaly import EncDecAD, Threshold, threshold
from likeness.represent.autoencoder import Autoencoder
from likeness.represent.compression import Quantiser, psnr
from likeness.represent.ex_post import ExPost
from likeness.represent.few_labels import accuracies
from likeness.represent.penalties import Penalty, active, contracting, sparse

__all__ = [
    "Autoencoder",
    "EncDecAD",
    "ExPost",
    "Penalty",
    "Quantiser",
    "Threshold",
    "accuracies",
    "active",
    "contracting",
    "psnr",
    "sparse",
    "threshold",
]
