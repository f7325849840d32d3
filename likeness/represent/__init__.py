"""Representations: what is worth keeping of a sample, one paper a file, and what it is good for."""

from likeness.represent.anomaly import EncDecAD, Threshold, threshold
from likeness.represent.autoencoder import Autoencoder
from likeness.represent.compression import Quantiser, psnr
from likeness.represent.ex_post import ExPost
from likeness.represent.measures import (
    anisotropy,
    effective_rank,
    hubness,
    linear_discriminant_ratio,
    participation_ratio,
    spectrum,
)
from likeness.represent.penalties import Penalty, active, contracting, sparse
from likeness.represent.probes import Probe, few_labels, fitted_knn, fitted_linear, knn, linear, ridge

__all__ = [
    "Autoencoder",
    "EncDecAD",
    "ExPost",
    "Penalty",
    "Probe",
    "Quantiser",
    "Threshold",
    "active",
    "anisotropy",
    "contracting",
    "effective_rank",
    "few_labels",
    "fitted_knn",
    "fitted_linear",
    "hubness",
    "knn",
    "linear",
    "linear_discriminant_ratio",
    "participation_ratio",
    "psnr",
    "ridge",
    "sparse",
    "spectrum",
    "threshold",
]
