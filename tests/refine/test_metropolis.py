import math

import pytest
import torch
from closed_forms import uniform, uniform_ratio, wide, wide_ratio
from scipy.stats import kstest

from likeness.errors import InputError
from likeness.refine import metropolis_hastings
from likeness.refine.metropolis import run_chains


def test_against_a_chain_written_out() -> None:
    d, u, start = torch.randn(7, 20), torch.rand(7, 20), torch.randn(7)
    here, moves = run_chains(start, d, u.log())
    for i in range(7):
        now, place = float(start[i]), -1
        for k in range(20):
            D_last, D_new = (1 / (1 + math.exp(-v)) for v in (now, float(d[i, k])))
            if u[i, k] < min(1, (1 / D_last - 1) / (1 / D_new - 1)):  # as in the paper
                now, place = float(d[i, k]), k
            assert moves[i, k] == (place == k)
        assert here[i] == place


def test_starts_do_not_matter_once_mixed() -> None:
    refined = metropolis_hastings(uniform, uniform_ratio, torch.full((1,), 3.0), steps=40)
    x = refined(5000, generator=0)
    assert kstest(x.numpy(), "norm").pvalue > 0.01
    assert refined.report().findings == ()


def test_the_acceptance_of_the_stationary_chain() -> None:
    """E min(1, r(x')/r(x)) over the target and the proposal, by a double sum over a grid."""
    refined = metropolis_hastings(wide, wide_ratio, torch.randn(2000), steps=30)
    refined(3000, generator=0)
    x = torch.linspace(-8, 8, 801).double()
    target, proposal = torch.exp(-x.square() / 2), torch.exp(-x.square() / 4.5)
    r = wide_ratio(x)
    weight = target[:, None] * proposal[None, :]
    rate = (weight * (r[None, :] - r[:, None]).clamp(max=0).exp()).sum() / weight.sum()
    assert refined.report().acceptance_rate == pytest.approx(float(rate), abs=0.01)


def test_a_stuck_chain_never_hands_out_its_real_sample() -> None:
    real = torch.zeros(1)
    refined = metropolis_hastings(uniform, lambda x: torch.where(x == 0, 60.0, 0.0), real, steps=5)
    x = refined(500, generator=0)
    assert (x != 0).all()
    report = refined.report()
    assert report.facts["stuck"] == 1
    assert [f.code for f in report.findings] == ["unmixed-chain"]
    assert kstest(x.numpy() / 10 + 0.5, "uniform").pvalue > 0.01


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match="steps=0"):
        metropolis_hastings(uniform, uniform_ratio, torch.zeros(3), steps=0)
    with pytest.raises(InputError, match="no real samples"):
        metropolis_hastings(uniform, uniform_ratio, torch.zeros(0))
    with pytest.raises(InputError, match="real sample is 0"):
        metropolis_hastings(uniform, lambda x: torch.full_like(x, -math.inf), torch.zeros(2))(1)
    with pytest.raises(InputError, match="critic gave nan"):
        metropolis_hastings(uniform, lambda x: x * math.nan, torch.zeros(2))(1)
