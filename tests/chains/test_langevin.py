import math

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from likeness.chains.langevin import adjusted, proposal, unadjusted
from likeness.chains.state import column, last, recorded, state
from likeness.data.truth import Mixture
from likeness.errors import InputError
from likeness.sampling import Streams


def gaussian_score(std: float):
    return lambda x: -x / std**2


@pytest.mark.parametrize("eta", [0.1, 0.4])
def test_the_variance_of_unadjusted_chains_is_off_by_the_size_of_the_step(eta: float) -> None:
    """s² / (1 − η/4s²), which is s² / (1 − ε/2s²) where ε is what others call the step."""
    s = 0.5
    x = Streams(0).normal(20_000, 2)
    end = last(unadjusted(gaussian_score(s), x, steps=60, step_size=eta, source=Streams(1)))
    assert float(end.var()) == pytest.approx(s**2 / (1 - eta / (4 * s**2)), rel=0.03)


def test_adjusted_chains_are_exact_where_unadjusted_ones_are_not() -> None:
    s = 0.5
    x = Streams(0).normal(20_000, 2)
    log_f = lambda x: -x.square().sum(1) / (2 * s**2)  # noqa: E731
    visits = list(adjusted(log_f, x, steps=60, step_size=0.4, source=Streams(1)))
    assert float(visits[-1].x.var()) == pytest.approx(s**2, rel=0.03)
    assert 0.2 < float(visits[-1].accepted.mean()) < 0.95
    assert_close(visits[-1].value, log_f(visits[-1].x))


def test_detailed_balance() -> None:
    """p(x) q(x' | x) α(x', x) is the same when x and x' change places."""
    log_f = lambda x: -(x.square().sum(1) ** 2) / 4 - x[:, 0]  # noqa: E731
    x, eta = torch.randn(20, 3, dtype=torch.double), torch.full((20,), 0.3, dtype=torch.double)
    there = state(log_f, x)
    xi = torch.randn(20, 3, dtype=torch.double)
    here, log_alpha = proposal(log_f, there, eta, xi)
    back = (x - here.x - column(eta, x) / 2 * here.slope) / math.sqrt(0.3)  # the noise that would lead back
    again, log_back = proposal(log_f, here, eta, back)
    assert_close(again.x, x)
    flow = there.value - xi.square().sum(1) / 2 + log_alpha
    assert_close(flow, here.value - back.square().sum(1) / 2 + log_back)


def test_without_noise_chains_end_on_the_modes_as_points() -> None:
    truth = Mixture(torch.tensor([[2.5, 2.5], [-2.5, -2.5]]), 0.8, weights=torch.tensor([0.8, 0.2]))
    x = 12 * Streams(0).uniform(200, 2) - 6
    end = last(unadjusted(truth.score, x, steps=800, step_size=0.1, source=Streams(1), temperature=0))
    away = torch.cdist(end, truth.means).min(1).values
    assert away.quantile(0.95) < 1e-3


def test_a_temperature_flattens() -> None:
    end = last(
        unadjusted(
            gaussian_score(1.0), torch.zeros(5000, 1), steps=200, step_size=0.1, source=Streams(0), temperature=4.0
        )
    )
    assert float(end.var()) == pytest.approx(4 / (1 - 0.1 / 4), rel=0.06)


def test_a_thousand_chains_walk_in_one_call_each_by_its_own_numbers() -> None:
    calls = []

    def score(x: Tensor) -> Tensor:
        calls.append(len(x))
        return -x

    start = Streams(3).normal(1000, 2)
    whole = last(unadjusted(score, start, steps=5, step_size=0.1, source=Streams(4)))
    assert calls == [1000] * 5
    part = last(unadjusted(score, start[600:700], steps=5, step_size=0.1, source=Streams(4, 600)))
    assert_close(part, whole[600:700])
    log_f = lambda x: -x.square().sum(1) / 2  # noqa: E731
    (*_, whole), (*_, part) = (
        [v.x for v in adjusted(log_f, x, steps=5, step_size=0.5, source=source)]
        for x, source in ((start, Streams(4)), (start[600:700], Streams(4, 600)))
    )
    assert_close(part, whole[600:700])


def test_each_chain_may_have_its_own_step() -> None:
    size = torch.tensor([0.1, 0.4]).repeat(10_000)
    end = last(unadjusted(gaussian_score(0.5), torch.zeros(20_000, 1), steps=60, step_size=size, source=Streams(1)))
    assert float(end[0::2].var()) == pytest.approx(0.25 / (1 - 0.1), rel=0.06)
    assert float(end[1::2].var()) == pytest.approx(0.25 / (1 - 0.4), rel=0.06)


def test_steps_that_are_too_large_are_caught_and_named() -> None:
    """Above η = 4s² every step is further out than the one before."""
    x = torch.randn(50, 2)
    with pytest.raises(InputError, match=r"step size 1.2: \d+ of 50 chains exploded at step \d+ .* such as 0.12"):
        recorded(unadjusted(gaussian_score(0.5), x, steps=500, step_size=1.2, source=Streams(0)))
    recorded(unadjusted(gaussian_score(0.5), x, steps=500, step_size=0.9, source=Streams(0)))


def test_bad_input_is_refused() -> None:
    x = torch.zeros(2, 1)
    with pytest.raises(InputError, match="step size 0"):
        last(unadjusted(gaussian_score(1), x, steps=1, step_size=0.0, source=Streams(0)))
    with pytest.raises(InputError, match="temperature -1"):
        last(unadjusted(gaussian_score(1), x, steps=1, step_size=0.1, source=Streams(0), temperature=-1))
    with pytest.raises(InputError, match="log density of a start is -inf"):
        list(adjusted(lambda x: x.sum(1).log(), x, steps=1, step_size=0.1, source=Streams(0)))
