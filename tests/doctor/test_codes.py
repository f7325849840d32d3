"""Codes that are the prior leave no hole, codes apart from it do, and a level that carries nothing is told."""

import torch

from likeness.density.latents import Posterior
from likeness.doctor.codes import codes, hole, levels, posterior_of
from likeness.judge.features import raw


def test_at_the_optimum_the_prior_fits(known) -> None:
    vae, x = known
    q = posterior_of(vae, x, None)
    torch.testing.assert_close(q.mean, vae.encode(x).mean)
    found = hole(vae, q, None, x, raw(), seed=0, device="cpu")
    assert found.findings == []
    assert found.numbers["accuracy"][0] < 0.56


def test_codes_apart_from_the_prior_are_a_hole(known) -> None:
    vae, x = known
    q = posterior_of(vae, x, None)
    with torch.no_grad():
        shifted = Posterior(q.mean + 3, q.log_variance)
        real = vae.decode(shifted.at(torch.randn(len(x), 2)))
    found = hole(vae, shifted, None, real, raw(), seed=0, device="cpu")
    assert [f.code for f in found.findings] == ["prior-hole"]
    assert found.numbers["frechet_prior"][0] > 10 * found.numbers["frechet_codes"][0]


def test_what_latents_carry_and_the_alarm(known) -> None:
    vae, x = known
    found = codes(posterior_of(vae, x, None))
    assert found.numbers["active"] == 2
    assert "<svg" in found.charts[0]
    nothing = codes(Posterior(torch.zeros(20, 3), torch.zeros(20, 3)), sigma=2.8, largest=5.1)
    assert [f.code for f in nothing.findings] == ["posterior-collapse"]
    assert "averaging" in nothing.findings[0].remedy


def test_an_empty_level_is_told() -> None:
    found = levels(torch.tensor([[3.0, 0.0], [5.0, 0.01]]))
    assert found.numbers["kl_of_levels"][0] == 4
    assert [f.code for f in found.findings] == ["level-collapse"]
    assert levels(torch.ones(4, 2)).findings == []
