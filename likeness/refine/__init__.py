"""Better draws from what was trained: `Sampler → Sampler`, over any sampler."""

from likeness.refine.calibration import Calibration
from likeness.refine.cross_fitting import Scored, cross_fit
from likeness.refine.distortion import Distortion
from likeness.refine.fitting import fit_ratio, keep_training
from likeness.refine.latent_langevin import latent_langevin
from likeness.refine.metropolis import metropolis_hastings
from likeness.refine.projection import Projected
from likeness.refine.ratio import DensityRatio, calibrate
from likeness.refine.rejection import budget_for, rejection
from likeness.refine.report import Report
from likeness.refine.resampling import resampling
from likeness.refine.threshold import threshold

__all__ = [
    "Calibration",
    "DensityRatio",
    "Distortion",
    "Projected",
    "Report",
    "Scored",
    "budget_for",
    "calibrate",
    "cross_fit",
    "fit_ratio",
    "keep_training",
    "latent_langevin",
    "metropolis_hastings",
    "rejection",
    "resampling",
    "threshold",
]
