import pytest
import torch
from torch import nn

from likeness.data.truth import Mixture
from likeness.diffusion.denoisers import (
    PARAMETERISATIONS,
    Labelled,
    Preconditioned,
    Prediction,
    clamped,
    edm,
    over,
    predict,
    score,
)
from likeness.diffusion.oracle import Exact
from likeness.errors import InputError

SIGMAS = torch.tensor([0.002, 0.1, 1.0, 10.0, 80.0], dtype=torch.double)


@pytest.mark.parametrize("name", PARAMETERISATIONS)
def test_conversions_there_and_back(name: str) -> None:
    row, x = PARAMETERISATIONS[name], torch.randn(5, 3, dtype=torch.double)
    F = torch.randn(5, 3, dtype=torch.double)
    torch.testing.assert_close(row.predicted(row.denoised(F, x, SIGMAS), x, SIGMAS), F, rtol=1e-5, atol=1e-5)


def test_each_prediction_is_what_its_name_says() -> None:
    """Of a known x₀ and ε: the noise is ε, v is α ε − α σ x₀, the velocity ε − x₀, the score −ε/σ."""
    x0, eps = torch.randn(2, 5, 3, dtype=torch.double)
    s = over(SIGMAS, x0)
    x, alpha = x0 + s * eps, (1 + s.square()).rsqrt()
    wanted = {
        "noise": eps,
        "x0": x0,
        "v": alpha * eps - alpha * s * x0,
        "velocity": eps - x0,
        "score": -eps / s,
    }
    for name, value in wanted.items():
        torch.testing.assert_close(PARAMETERISATIONS[name].predicted(x0, x, SIGMAS), value, rtol=1e-6, atol=1e-6)


def test_edm_has_inputs_and_targets_of_unit_variance() -> None:
    torch.manual_seed(0)
    row, n = edm(0.5), 200_000
    for sigma in (0.01, 0.5, 20.0):
        level = torch.full((n,), sigma, dtype=torch.double)
        x0, eps = 0.5 * torch.randn(n, 1, dtype=torch.double), torch.randn(n, 1, dtype=torch.double)
        x = x0 + sigma * eps
        assert float((over(row.c_in(level), x) * x).var()) == pytest.approx(1, abs=0.02)
        assert float(row.predicted(x0, x, level).var()) == pytest.approx(1, abs=0.02)
    with pytest.raises(InputError, match="sigma_data 0"):
        edm(0.0)


class Doubled(nn.Module):
    """Predicts its input, and −1 (or the label) for the variances."""

    def forward(self, x, t, y=None):
        return torch.cat((x, torch.full_like(x, -1.0) if y is None else over(y.float(), x).expand_as(x)), dim=1)


def test_learned_variances_are_the_second_half() -> None:
    D = Preconditioned(Doubled(), PARAMETERISATIONS["x0"], torch.log, learned=True)
    x, sigma = torch.randn(4, 3, 2, 2), torch.full((4,), 2.0)
    found = D.predict(x, sigma)
    torch.testing.assert_close(found.x0, x / 5**0.5)
    assert found.v is not None
    assert torch.equal(found.v, torch.zeros_like(x))
    of_class = Labelled(D, torch.tensor([1, 1, 1, 1])).predict(x, sigma)
    assert of_class.v is not None
    assert torch.equal(of_class.v, torch.ones_like(x))
    torch.testing.assert_close(D(x, sigma), found.x0)


def test_the_network_sees_its_own_unit_and_its_own_time() -> None:
    seen = {}

    class Watch(nn.Module):
        def forward(self, x, t):
            seen.update(x=x, t=t)
            return x

    x = torch.randn(3, 2)
    Preconditioned(Watch(), PARAMETERISATIONS["noise"], lambda s: s.log() / 4)(x, torch.full((3,), 3.0))
    torch.testing.assert_close(seen["x"], x / 10**0.5)
    torch.testing.assert_close(seen["t"], torch.full((3,), 3.0).log() / 4)


def test_the_score_is_tweedies() -> None:
    truth = Mixture(torch.randn(3, 2).double(), 0.5)
    x, sigma = torch.randn(50, 2).double(), torch.full((50,), 0.7, dtype=torch.double)
    torch.testing.assert_close(score(Exact(truth), x, sigma), truth.noised(0.7).score(x), rtol=1e-9, atol=1e-9)


def test_clamped_steers_into_the_box_and_keeps_the_variances() -> None:
    D = Preconditioned(Doubled(), PARAMETERISATIONS["x0"], torch.log, learned=True)
    x, sigma = 10 * torch.randn(4, 3, 2, 2), torch.full((4,), 0.1)
    found = predict(clamped(D), x, sigma)
    assert float(found.x0.abs().max()) == 1
    assert found.v is not None
    assert predict(lambda x, s: x, x, sigma) == Prediction(x, None)
