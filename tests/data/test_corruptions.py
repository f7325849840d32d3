"""Noise has the moments it is said to have, belongs to its sample, and is refused where it cannot be."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.data.corruptions import gaussian, masking, salt_and_pepper
from likeness.errors import InputError
from likeness.ranks import Part, holding

N = 200_000


def within(share: float, expected: float) -> bool:
    return abs(share - expected) < 5 * math.sqrt(expected * (1 - expected) / N) + 1e-9


@pytest.mark.parametrize("sigma", [0.0, 0.5])
def test_gaussian_noise_has_its_deviation_in_the_units_of_the_data(sigma: float) -> None:
    x = torch.linspace(-1, 1, N)[:, None]
    e = gaussian(sigma)(x) - x
    assert abs(float(e.mean())) <= 5 * sigma / math.sqrt(N)
    assert float(e.std()) == pytest.approx(sigma, rel=0.01, abs=1e-7)


@given(share=st.floats(0, 1, allow_subnormal=False), value=st.sampled_from([-1.0, 0.0]))
@settings(max_examples=20, deadline=None)
def test_masking_hits_its_share_and_leaves_the_rest(share: float, value: float) -> None:
    x = torch.full((N // 4, 4), 0.3)
    found = masking(share, value)(x)
    assert within(float((found == value).float().mean()), share)
    assert ((found == value) | (found == x)).all()


@given(share=st.floats(0, 1, allow_subnormal=False))
@settings(max_examples=20, deadline=None)
def test_salt_and_pepper_come_in_equal_parts(share: float) -> None:
    found = salt_and_pepper(share)(torch.zeros(N // 4, 1, 2, 2))
    assert within(float((found == -1).float().mean()), share / 2)
    assert within(float((found == 1).float().mean()), share / 2)


@pytest.mark.parametrize("corrupt", [gaussian(1.0), masking(0.5), salt_and_pepper(0.5)])
def test_a_part_of_a_batch_sees_its_rows_of_the_noise(corrupt) -> None:
    x = torch.randn(7, 5)
    torch.manual_seed(3)
    whole = corrupt(x)
    torch.manual_seed(3)
    with holding(Part(2, 3, 7)):
        assert torch.equal(corrupt(x[2:5]), whole[2:5])


@pytest.mark.parametrize("wrong", [lambda: gaussian(-0.1), lambda: masking(1.5), lambda: salt_and_pepper(-0.01)])
def test_noise_that_cannot_be_is_refused(wrong) -> None:
    with pytest.raises(InputError, match="give"):
        wrong()
