import math

import numpy as np
import pytest
import torch
from closed_forms import M_UNIFORM, uniform, uniform_ratio
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest
from torch.testing import assert_close

from likeness.errors import InputError
from likeness.refine import budget_for, rejection
from likeness.refine.rejection import acceptance_logit, unshifted_logit
from likeness.sampling import Rows

grid = torch.linspace(-40, 0, 4001, dtype=torch.double)


def test_without_gamma_the_probability_is_the_ratio_over_its_maximum() -> None:
    p = torch.sigmoid(acceptance_logit(grid + 3, torch.tensor(3.0), eps=1e-12))
    assert_close(p, grid.exp(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("gamma", [-3.0, 0.0, 2.0])
def test_parity_with_the_formula_as_printed(gamma: float) -> None:
    ours = torch.sigmoid(acceptance_logit(grid, torch.tensor(0.0), eps=1e-6, gamma=gamma)).numpy()
    g = grid.numpy()
    F = g - np.log(1 - np.exp(g - 1e-6)) - gamma
    np.testing.assert_allclose(ours, 1 / (1 + np.exp(-F)), atol=1e-6)


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=30), st.floats(-20, 20), st.floats(0, 10))
def test_the_logit_is_monotone_finite_and_falls_with_gamma(values: list[float], gamma: float, more: float) -> None:
    d = torch.tensor(values, dtype=torch.double).sort().values
    F = acceptance_logit(d, d.max(), gamma=gamma)
    assert F.isfinite().all()
    assert (F.diff() >= 0).all()
    assert (acceptance_logit(d, d.max(), gamma=gamma + more) <= F).all()


def test_gamma_opens_and_closes_the_gate() -> None:
    d, top = grid[::40], torch.tensor(0.0)
    assert torch.sigmoid(acceptance_logit(d, top, gamma=1e3)).max() < 1e-9
    assert torch.sigmoid(acceptance_logit(d, top, gamma=-1e3)).min() > 1 - 1e-9
    assert unshifted_logit(torch.zeros(1), torch.zeros(())).isfinite()  # in float32 too


@pytest.mark.parametrize("options", [{"gamma": 0.0}, {}, {"budget": 1e6}], ids=str)
def test_exact_where_it_can_be(options: dict[str, float]) -> None:
    refined = rejection(uniform, uniform_ratio, **options)
    x = refined(50_000, generator=1)
    report = refined.report()
    rate = report.acceptance_rate
    error = math.sqrt(rate * (1 - rate) / report.proposals)
    assert abs(rate - 1 / M_UNIFORM) < 3 * error
    assert kstest(x.numpy(), "norm").pvalue > 0.01
    assert float(x.var()) == pytest.approx(1, abs=0.03)
    assert report.distortion.exact
    assert report.findings == ()


@pytest.mark.parametrize(("percentile", "variance"), [(50, 2.44), (80, 0.85), (95, 0.24)])
def test_the_percentile_is_biased_as_measured(percentile: float, variance: float) -> None:
    refined = rejection(uniform, uniform_ratio, percentile=percentile)
    assert float(refined(20_000, generator=0).var()) == pytest.approx(variance, rel=0.06)
    assert refined.report().distortion.exact is False


def test_gamma_moves_variance_and_yield_as_measured() -> None:
    measured = {-5.0: (0.62, 3.57), -2.0: (0.41, 1.86), 2.0: (0.13, 0.46), 5.0: (0.034, 0.12)}
    for gamma, (rate, variance) in measured.items():
        refined = rejection(uniform, uniform_ratio, gamma=gamma)
        assert float(refined(20_000, generator=2).var()) == pytest.approx(variance, rel=0.06)
        assert refined.report().acceptance_rate == pytest.approx(rate, rel=0.06)


@pytest.mark.parametrize("budget", [1.0, 1.5, 3.0])
def test_the_budget_is_met_and_no_more_distorted_than_said(budget: float) -> None:
    refined = rejection(uniform, uniform_ratio, budget=budget)
    x = refined(20_000, generator=3)
    report = refined.report()
    assert report.acceptance_rate == pytest.approx(1 / budget, rel=0.03)
    assert report.cost == pytest.approx(budget, rel=0.05)
    said = report.distortion
    counts, edges = np.histogram(x.numpy(), bins=25, range=(-5, 5))
    p = np.diff([0.5 * math.erfc(-e / math.sqrt(2)) for e in edges])
    seen = counts / counts.sum()
    assert (p * np.log(p / np.maximum(seen, 1e-6))).sum() == pytest.approx(said.kl, abs=0.03)
    assert np.abs(p - seen).sum() / 2 == pytest.approx(said.tv, abs=0.03)


@pytest.mark.parametrize("percentile", [0.8, 0.95, 1.0, 0.01])
def test_a_share_is_no_percentile(percentile: float) -> None:
    with pytest.raises(InputError, match=f"did you mean {100 * percentile:g}"):
        rejection(uniform, uniform_ratio, percentile=percentile)


@pytest.mark.parametrize(
    "options",
    [
        {"percentile": 0.0},
        {"percentile": 100},
        {"percentile": math.nan},
        {"budget": 0.5},
        {"budget": math.nan},
        {"gamma": math.inf},
        {"eps": 0.0},
        {"budget": 2.0, "gamma": 0.0},
        {"burn_in": 0},
        {"block": 0},
    ],
    ids=str,
)
def test_bad_options_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(InputError, match="="):
        rejection(uniform, uniform_ratio, **options)


@given(st.integers(1, 5000), st.data())
def test_the_budget_of_a_file_leaves_a_margin_but_asks_no_more_than_it_holds(rows: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(1, rows))
    expected = rows / budget_for(rows, n)
    assert n - 1e-6 <= expected <= rows
    if expected < rows:
        assert (expected - n) ** 2 == pytest.approx(16 * expected * (1 - expected / rows), rel=1e-6, abs=1e-6)


def test_a_file_yields_what_was_asked() -> None:
    x = uniform(3000, generator=0)
    refined = rejection(Rows(x), uniform_ratio, budget=budget_for(len(x), 1500))
    assert len(refined(1500, generator=0)) == 1500


def test_an_impossible_number_of_draws_is_refused() -> None:
    with pytest.raises(InputError, match="11 draws from 10"):
        budget_for(10, 11)


def test_one_outlier_does_not_stop_the_percentile() -> None:
    """A single huge ratio raises the maximum; γ follows, and the yield stays."""

    def spiked(x: torch.Tensor) -> torch.Tensor:
        return torch.where(x > 4.99, 40.0, uniform_ratio(x))

    refined = rejection(uniform, spiked, percentile=80, burn_in=500, seed=1)
    assert float(refined.log_M) < 2  # the burn-in has not met the outlier
    refined(2000, generator=0)
    report = refined.report()
    assert report.moved > 0
    assert report.acceptance_rate > 0.15
