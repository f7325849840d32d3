"""Where the bound is tight no gap is found; an encoder that is off costs what it is off by; copies are over-fitted."""

import pytest
import torch
from linear_gaussian import at_optimum, data
from linear_gaussian import evidence as exact

from likeness.doctor.bound import elbo, inference, over_fitting


def test_at_the_optimum_nothing_is_lost(known) -> None:
    vae, x = known
    torch.testing.assert_close(elbo(vae, x).float(), exact(vae, x), atol=2e-3, rtol=0)
    found = inference(vae, x[:100], chains=True, first=16)
    assert found.numbers["inference_gap"][0] == pytest.approx(0, abs=1e-3)
    assert found.numbers["ais_gap"][0] == pytest.approx(0, abs=0.05)
    assert found.findings == []


def test_an_encoder_that_is_off_is_told(known) -> None:
    """A mean that is off by δ costs δ²/2s² nats of the ELBO, and annealed chains find them again."""
    vae, x = known
    off = at_optimum(data(800), 2, 0.5).eval()
    off.load_state_dict(vae.state_dict())
    with torch.no_grad():
        off.E.bias[:2] += 0.5
    s2 = vae.encode(x).log_variance.exp()[0]
    found = inference(off, x[:400], chains=True, first=32)
    assert found.numbers["ais_gap"][0] == pytest.approx(float((0.125 / s2).sum()), rel=0.15)
    assert [f.code for f in found.findings] == ["inference-gap"]


def test_over_fitting_is_told_where_it_is() -> None:
    def nats(x: torch.Tensor) -> torch.Tensor:
        return -x.square().sum(1)

    near, far = torch.randn(300, 4), 2 * torch.randn(300, 4)
    assert over_fitting(nats, near, torch.randn(300, 4), "log-likelihood").findings == []
    told = over_fitting(nats, near, far, "log-likelihood")
    assert [f.code for f in told.findings] == ["over-fitted"]
    assert told.numbers["gap"][0] == pytest.approx(12, rel=0.2)
