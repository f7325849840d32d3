import math

import pytest
import torch
from closed_forms import uniform, uniform_ratio
from scipy.stats import kstest

from likeness.errors import InputError
from likeness.refine import resampling
from likeness.refine.resampling import effective_size


def test_large_pools_draw_from_the_target() -> None:
    refined = resampling(uniform, uniform_ratio, pool=128)
    assert kstest(refined(5000, generator=0).numpy(), "norm").pvalue > 0.01
    second_moment = 10 / (2 * math.sqrt(math.pi))
    assert refined.report().facts["effective"] == pytest.approx(128 / second_moment, rel=0.05)


def test_the_choice_has_the_right_odds() -> None:
    """Two proposals a pool: the better of r = 1 and r = 3 wins three times in four."""
    refined = resampling(uniform, lambda x: torch.where(x > 0, math.log(3), 0.0), pool=2)
    share = (refined(20_000, generator=0) > 0).float().mean()
    assert float(share) == pytest.approx(0.25 + 0.5 * 0.75, abs=0.012)


def test_effective_size_of_even_and_single_weights() -> None:
    assert effective_size(torch.zeros(1, 10)).item() == pytest.approx(10)
    assert effective_size(torch.tensor([[800.0, 0.0, 0.0]])).item() == pytest.approx(1)
    assert effective_size(torch.tensor([[0.0, 0.0, -math.inf]])).item() == pytest.approx(2)


def test_degenerate_weights_are_reported() -> None:
    refined = resampling(uniform, lambda x: 10 * x, pool=8)
    refined(100, generator=0)
    assert [f.code for f in refined.report().findings] == ["degenerate-weights"]


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match="pool=1"):
        resampling(uniform, uniform_ratio, pool=1)
    with pytest.raises(InputError, match="ratio of all 4 proposals"):
        resampling(uniform, lambda x: torch.full_like(x, -math.inf), pool=4)(1, generator=0)
