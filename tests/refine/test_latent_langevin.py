import math

import pytest
import torch
from torch import Tensor

from likeness.errors import InputError
from likeness.refine import latent_langevin


def identity(z: Tensor) -> Tensor:
    return z


def gaussian(mean: float, std: float):
    """log N(mean, std²) / N(0, 1), up to a constant."""
    return lambda x: x.square().sum(1) / 2 - (x - mean).square().sum(1) / (2 * std**2)


def mixture(at: float):
    """.8 and .2 of modes at ±(at, at) with deviation .8, over N(0, 1)."""

    def log_ratio(x: Tensor) -> Tensor:
        near, far = (math.log(w) - (x - c).square().sum(1) / (2 * 0.64) for w, c in ((0.8, at), (0.2, -at)))
        return torch.logaddexp(near, far) + x.square().sum(1) / 2

    return log_ratio


def test_a_gaussian_is_reached() -> None:
    refined = latent_langevin(identity, gaussian(1.0, 0.5), 2, block=4000)
    x = refined(4000, generator=0)
    assert x.mean(0) == pytest.approx(torch.ones(2), abs=0.04)
    assert x.std(0) == pytest.approx(torch.full((2,), 0.5), abs=0.03)
    report = refined.report()
    assert report.acceptance_rate == pytest.approx(0.574, abs=0.1)
    assert report.facts["rhat"] < 1.1
    assert report.findings == ()


def test_the_correction_removes_the_error_of_the_step() -> None:
    """Uncorrected, the stationary variance of a Gaussian of deviation s is s² / (1 − η / 4s²)."""
    s, eta = 0.5, 0.4
    options = {"steps": 20, "step_size": eta, "block": 8000}
    raw = latent_langevin(identity, gaussian(0.0, s), 1, correct=False, **options)
    assert float(raw(8000, generator=0).var()) == pytest.approx(s**2 / (1 - eta / (4 * s**2)), rel=0.06)
    assert [f.code for f in raw.report().findings] == ["coarse-steps"]
    exact = latent_langevin(identity, gaussian(0.0, s), 1, **options)
    assert float(exact(8000, generator=0).var()) == pytest.approx(s**2, rel=0.06)


def test_near_modes_have_the_right_weights_and_moments() -> None:
    x = latent_langevin(identity, mixture(1.2), 2, block=3000)(3000, generator=0)
    small = float((x.sum(1) < 0).float().mean())
    assert small == pytest.approx(0.211, abs=0.025)
    assert float(x[:, 0].var()) == pytest.approx(1.57, rel=0.1)


def test_far_modes_are_flagged() -> None:
    refined = latent_langevin(identity, mixture(2.5), 2)
    refined(256, generator=0)
    report = refined.report()
    assert report.facts["rhat"] > 1.1
    assert [f.code for f in report.findings] == ["unmixed-chain"]


def test_gradients_pass_through_the_generator_and_leave_no_trace() -> None:
    G, D = torch.nn.Linear(3, 2), torch.nn.Linear(2, 1)
    refined = latent_langevin(G, D, 3, steps=8)
    x = refined(5, generator=0)
    assert x.shape == (5, 2)
    assert not x.requires_grad
    assert all(p.grad is None for m in (G, D) for p in m.parameters())


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match="steps=7"):
        latent_langevin(identity, gaussian(0, 1), 2, steps=7)
    with pytest.raises(InputError, match="step_size=0"):
        latent_langevin(identity, gaussian(0, 1), 2, step_size=0.0)
    with pytest.raises(InputError, match="critic gave nan"):
        latent_langevin(identity, lambda x: x.sum(1) * math.nan, 2)
