import math

import pytest
import torch
from closed_forms import M_UNIFORM, grid_ratio
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import logsigmoid

from likeness.refine.distortion import distortion, log_scale
from likeness.refine.rejection import acceptance_logit

d = grid_ratio()


def of_budget(d: torch.Tensor, budget: float) -> torch.Tensor:
    return (d + log_scale(d, budget)).clamp(max=0)


def of_gamma(d: torch.Tensor, rate: float) -> torch.Tensor:
    """The paper's log acceptance with the γ of this acceptance rate, by bisection."""
    low, high = -60.0, 60.0
    for _ in range(80):
        gamma = (low + high) / 2
        log_a = logsigmoid(acceptance_logit(d, d.max(), gamma=gamma))
        low, high = (gamma, high) if log_a.exp().mean() > rate else (low, gamma)
    return log_a


logits = st.lists(st.floats(-20, 20), min_size=2, max_size=40)


@given(logits, st.floats(1, 30))
def test_the_scale_meets_the_budget(values: list[float], budget: float) -> None:
    d = torch.tensor(values, dtype=torch.double)
    log_a = (d + log_scale(d, budget)).clamp(max=0)
    assert float(log_a.exp().mean()) == pytest.approx(1 / budget, rel=1e-9)


@given(logits, st.floats(1.01, 30), st.integers(0, 10_000))
def test_no_acceptance_of_the_same_rate_distorts_less(values: list[float], budget: float, seed: int) -> None:
    d = torch.tensor(values, dtype=torch.double)
    best = of_budget(d, budget)
    other = torch.rand(len(d), dtype=torch.double, generator=torch.Generator().manual_seed(seed)).clamp(min=1e-6)
    low, high = 0.0, 1e9  # the same rate: min(1, s · other) with s by bisection
    for _ in range(200):
        s = (low + high) / 2
        low, high = (s, high) if (s * other).clamp(max=1).mean() < 1 / budget else (low, s)
    log_other = (s * other).clamp(max=1).log()
    assert distortion(d, best).kl <= distortion(d, log_other).kl + 1e-7


@pytest.mark.parametrize("budget", [1.2, 2.0, 3.0, 3.9])
def test_at_equal_yield_the_budget_beats_gamma_and_the_threshold(budget: float) -> None:
    best = distortion(d, of_budget(d, budget))
    paper = distortion(d, of_gamma(d, 1 / budget))
    naive = distortion(d, torch.where(d >= torch.quantile(d, 1 - 1 / budget), 0.0, -math.inf))
    assert best.kl < paper.kl
    assert best.kl < naive.kl == math.inf
    assert best.kl < best.kl_raw
    assert best.tv < best.tv_raw


def test_exact_from_the_maximum_on() -> None:
    assert not distortion(d, of_budget(d, 0.99 * M_UNIFORM)).exact
    affordable = distortion(d, of_budget(d, 1.01 * M_UNIFORM))
    assert affordable.exact
    assert affordable.kl == pytest.approx(0, abs=1e-12)
    assert affordable.tv == pytest.approx(0, abs=1e-12)


def test_the_raw_divergence_is_the_integral() -> None:
    raw = distortion(d, torch.zeros_like(d))
    kl = math.log(10) - 0.5 * math.log(2 * math.pi * math.e)  # KL(N(0, 1) ‖ uniform of width 10), up to the tails
    assert raw.kl == raw.kl_raw == pytest.approx(kl, abs=1e-3)
    second_moment = 10 / (2 * math.sqrt(math.pi))  # E_g[r²]
    assert raw.effective / raw.n == pytest.approx(1 / second_moment, rel=1e-3)


def test_impossible_proposals_do_not_count() -> None:
    log_a = torch.tensor([0.0, 0.0, -math.inf])
    effect = distortion(torch.tensor([0.0, 0.0, -math.inf]), log_a)
    assert effect.exact
    assert effect.kl_raw == pytest.approx(math.log(1.5))
    assert log_scale(torch.tensor([0.0, 0.0, -math.inf]), 1.0) == 0.0  # all that is possible is kept


def test_a_constant_factor_changes_nothing_but_the_scale() -> None:
    assert log_scale(d + 7, 2.0) == pytest.approx(log_scale(d, 2.0) - 7, abs=1e-9)
    assert of_budget(d + 7, 2.0) == pytest.approx(of_budget(d, 2.0), abs=1e-9)
