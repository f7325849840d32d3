import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from likeness.diffusion.schedules import Continuous, Discrete, Karras, cosine, flow, interpolated, karras, linear
from likeness.errors import InputError


def kept(sigmas: torch.Tensor) -> torch.Tensor:
    return 1 / (1 + sigmas.square())


def test_levels_are_the_share_of_the_signal_that_is_left() -> None:
    schedule = linear(1000)
    torch.testing.assert_close(kept(schedule.sigmas), (1 - torch.linspace(1e-4, 0.02, 1000).double()).cumprod(0))
    f = lambda t: math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2  # noqa: E731
    assert float(kept(cosine(1000).sigmas)[499]) == pytest.approx(f(0.5) / f(0), rel=1e-9)
    assert float(cosine(1000).betas[-1]) == 0.999


@given(st.integers(1, 1000))
def test_respaced_levels_are_levels_of_the_schedule(steps: int) -> None:
    schedule = cosine(1000)
    chosen = schedule.levels(steps)
    assert len(chosen) == steps + 1
    assert chosen[-1] == 0
    assert torch.isin(chosen[:-1], schedule.sigmas).all()
    assert chosen[0] == schedule.sigmas[-1]


@pytest.mark.parametrize("schedule", [linear(), cosine(200), flow(), Karras(), flow(spread=1.0)])
def test_levels_fall_to_zero_and_training_draws_from_them(schedule) -> None:
    levels = schedule.levels(20)
    assert (levels[1:] < levels[:-1]).all()
    assert levels[-1] == 0
    trained = schedule.trained(torch.linspace(0.001, 0.999, 500))
    assert (trained > 0).all()
    assert (trained[1:] >= trained[:-1]).all()
    told = schedule.told(trained)
    assert (told[1:] >= told[:-1]).all()
    assert told.isfinite().all()


def test_a_discrete_level_is_told_by_its_index() -> None:
    schedule = cosine(200)
    torch.testing.assert_close(schedule.told(schedule.sigmas), torch.arange(200).double() * 5, atol=1e-6, rtol=0)


def test_flow_is_told_its_time() -> None:
    t = torch.linspace(0.01, 0.99, 50).double()
    torch.testing.assert_close(flow().told(t / (1 - t)), 1000 * t, rtol=0, atol=0.01)


def test_edm_trains_on_its_normal() -> None:
    log = Karras().trained(torch.rand(100_000).clamp(1e-6, 1 - 1e-6)).log()
    assert float(log.mean()) == pytest.approx(-1.2, abs=0.02)
    assert float(log.std()) == pytest.approx(1.2, abs=0.02)


def test_edm_levels_at_their_ends() -> None:
    levels = karras(18, 0.002, 80.0)
    assert float(levels[0]) == pytest.approx(80)
    assert float(levels[-2]) == pytest.approx(0.002)
    root = levels[:-1] ** (1 / 7)
    torch.testing.assert_close(root.diff(), root.diff()[0].expand(17))


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: Discrete(torch.tensor([0.1, -0.2])), "beta -0.2"),
        (lambda: Discrete(torch.tensor([0.1, 1.0])), "beta 1"),
        (lambda: Continuous(lambda t: 1 - t), "rise"),
        (lambda: Continuous(lambda t: t, first=0.5, last=0.4), "0.5"),
        (lambda: cosine(50).levels(51), "51 sampling steps"),
        (lambda: cosine(50).levels(0), "0 steps"),
        (lambda: karras(5, 3.0, 2.0), "sigma_min"),
        (lambda: linear(10), "10 steps"),
    ],
)
def test_bad_schedules_are_named(make, named: str) -> None:
    with pytest.raises(InputError, match=named):
        make()


def test_interpolated_is_the_index_at_its_table() -> None:
    table = torch.tensor([1.0, 2.0, 4.0])
    value = torch.tensor([0.0, 1.0, 1.5, 2.0, 3.0, 4.0, 9.0])
    torch.testing.assert_close(interpolated(value, table), torch.tensor([0.0, 0.0, 0.5, 1.0, 1.5, 2.0, 2.0]))
