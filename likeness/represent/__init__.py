"""Representations: what is worth keeping of a sample, one paper a file, and what it is good for."""

from likeness.represent.align_uniform import AlignUniform
from likeness.represent.anomaly import EncDecAD, Threshold, threshold
from likeness.represent.autoencoder import Autoencoder
from likeness.represent.codes import codes, swapped
from likeness.represent.compression import Quantiser, psnr
from likeness.represent.contrast import info_nce, mutual_information_bound, nt_xent
from likeness.represent.estimator import Representation
from likeness.represent.ex_post import ExPost
from likeness.represent.measures import (
    anisotropy,
    effective_rank,
    hubness,
    linear_discriminant_ratio,
    participation_ratio,
    spectrum,
)
from likeness.represent.moco import MoCo
from likeness.represent.penalties import Penalty, active, contracting, sparse
from likeness.represent.probes import Probe, few_labels, fitted_knn, fitted_linear, knn, linear, ridge
from likeness.represent.pseudo_labels import PseudoLabels, confident
from likeness.represent.relic import ReLIC
from likeness.represent.rotation import Rotation
from likeness.represent.simclr import SimCLR
from likeness.represent.sphere import alignment, ideal_uniformity, normalise, uniformity
from likeness.represent.supervised import Classifier
from likeness.represent.swav import SwAV
from likeness.represent.transfer import FeatureExtraction, FineTuning

__all__ = [
    "AlignUniform",
    "Autoencoder",
    "Classifier",
    "EncDecAD",
    "ExPost",
    "FeatureExtraction",
    "FineTuning",
    "MoCo",
    "Penalty",
    "Probe",
    "PseudoLabels",
    "Quantiser",
    "ReLIC",
    "Representation",
    "Rotation",
    "SimCLR",
    "SwAV",
    "Threshold",
    "active",
    "alignment",
    "anisotropy",
    "codes",
    "confident",
    "contracting",
    "effective_rank",
    "few_labels",
    "fitted_knn",
    "fitted_linear",
    "hubness",
    "ideal_uniformity",
    "info_nce",
    "knn",
    "linear",
    "linear_discriminant_ratio",
    "mutual_information_bound",
    "normalise",
    "nt_xent",
    "participation_ratio",
    "psnr",
    "ridge",
    "sparse",
    "spectrum",
    "swapped",
    "threshold",
    "uniformity",
]
