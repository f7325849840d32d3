"""Representations: what is worth keeping of a sample, one paper a file, and what it is good for."""

from likeness.represent.anomaly import EncDecAD, Threshold, threshold
from likeness.represent.autoencoder import Autoencoder
from likeness.represent.codes import codes, swapped
from likeness.represent.compression import Quantiser, psnr
from likeness.represent.ex_post import ExPost
from likeness.represent.few_labels import accuracies
from likeness.represent.penalties import Penalty, active, contracting, sparse
from likeness.represent.pseudo_labels import PseudoLabels, confident
from likeness.represent.rotation import Rotation
from likeness.represent.supervised import Classifier
from likeness.represent.swav import SwAV
from likeness.represent.transfer import FeatureExtraction, FineTuning

__all__ = [
    "Autoencoder",
    "Classifier",
    "EncDecAD",
    "ExPost",
    "FeatureExtraction",
    "FineTuning",
    "Penalty",
    "PseudoLabels",
    "Quantiser",
    "Rotation",
    "SwAV",
    "Threshold",
    "accuracies",
    "active",
    "codes",
    "confident",
    "contracting",
    "psnr",
    "sparse",
    "swapped",
    "threshold",
]
