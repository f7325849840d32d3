"""A mixture of logistics is a probability of levels, alone that of decoders, and draws agree with it."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from likeness.density.conditionals import Conditional
from likeness.density.likelihoods import DiscretisedLogistic
from likeness.density.logistics import Logistics, check_levels, nearest_level
from likeness.errors import InputError
from likeness.sampling import Streams


def levels_of(n: int) -> Tensor:
    return torch.linspace(-1, 1, n)


@settings(deadline=None, max_examples=40)
@given(
    levels=st.integers(2, 300),
    components=st.integers(1, 6),
    size=st.sampled_from([0.1, 1.0, 30.0]),
    seed=st.integers(0, 999),
)
def test_the_levels_sum_to_one(levels: int, components: int, size: float, seed: int) -> None:
    made = Logistics(1, levels, components)
    outputs = size * torch.randn(3, made.outputs, 2, generator=torch.Generator().manual_seed(seed))
    x = levels_of(levels)[:, None, None, None].expand(-1, 3, 1, 2)
    each = torch.stack([made.log_prob(v, outputs) for v in x])
    assert each.isfinite().all()
    assert (each.double().exp().sum(0) - 1).abs().max() < 1e-5


def test_all_colours_of_a_pixel_sum_to_one_together() -> None:
    made, side = Logistics(3, 5, 2), levels_of(5)
    outputs = 2 * torch.randn(1, made.outputs)
    x = torch.cartesian_prod(side, side, side)
    total = made.log_prob(x, outputs.expand(len(x), -1)).double().exp().sum()
    assert float(total) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("levels", [2, 17, 256])
def test_one_component_is_the_logistic_of_decoders(levels: int) -> None:
    made, known = Logistics(1, levels, 1), DiscretisedLogistic(levels)
    outputs = 3 * torch.randn(6, 3, 4, 4)
    x = levels_of(levels)[torch.randint(levels, (6, 1, 4, 4))]
    torch.testing.assert_close(made.log_prob(x, outputs).flatten(1).sum(1), known.log_prob(x, outputs[:, 1:]))


def test_a_mixture_is_the_weighted_sum_of_its_components() -> None:
    made, one = Logistics(1, 17, 3), Logistics(1, 17, 1)
    outputs, x = torch.randn(5, 9), levels_of(17)[torch.randint(17, (5, 1))]
    parts = outputs.unflatten(1, (3, 3))
    each = torch.stack([one.log_prob(x, parts[:, k]) for k in range(3)], 1)
    expected = torch.logsumexp(parts[:, :, 0].log_softmax(1) + each, 1)
    torch.testing.assert_close(made.log_prob(x, outputs), expected)


def test_far_from_every_component_the_digits_remain_and_gradients_arrive() -> None:
    made = Logistics(1, 256, 1)
    outputs = torch.tensor([[0.0, 0.9, -20.0]], requires_grad=True)
    x = nearest_level(torch.tensor([[-0.5]]), made.step)
    value = made.log_prob(x, outputs)
    s = 0.05 * made.step + math.log1p(math.exp(-20.0))
    assert value.item() == pytest.approx((float(x) + made.step / 2 - 0.9) / s, rel=1e-3), "the tail of a logistic"
    value.backward()
    assert outputs.grad[0, 1] < -100, "and it pulls the mean this way"


def test_a_channel_follows_the_channels_before_it() -> None:
    made, n = Logistics(3, 256, 1), 3000
    outputs = torch.zeros(n, 10)
    outputs[:, 4:7] = -4.0  # narrow
    outputs[:, 4] = 0.0  # but for the first channel
    outputs[:, 7], outputs[:, 9] = 1.0, -1.0  # green follows red, blue is against green
    x = made.drawn(outputs, Streams(0).uniform(n, 4))
    seen = x[(x.abs() < 0.99).all(1)].T
    assert torch.corrcoef(seen)[0, 1] > 0.95
    assert torch.corrcoef(seen)[1, 2] < -0.95


@pytest.mark.parametrize(("channels", "levels"), [(1, 17), (3, 3)])
def test_draws_occur_as_often_as_is_stated(channels: int, levels: int) -> None:
    made, n, side = Logistics(channels, levels, 3), 60_000, levels_of(levels)
    outputs = torch.randn(1, made.outputs)
    x = made.drawn(outputs.expand(n, -1), Streams(5).uniform(n, 1 + channels))
    made.check(x)
    every = torch.cartesian_prod(*[side] * channels).reshape(-1, channels)
    p = made.log_prob(every, outputs.expand(len(every), -1)).exp()
    place = ((x + 1) / made.step).round().long()
    index = (place * torch.tensor([levels**i for i in reversed(range(channels))])).sum(1)
    found = torch.bincount(index, minlength=len(every)) / n
    assert ((found - p).abs() <= 5 * (p / n).sqrt() + 1e-3).all()


def test_it_is_a_conditional_and_refuses_what_it_is_not_of() -> None:
    made = Logistics(1, 17)
    assert isinstance(made, Conditional)
    with pytest.raises(InputError, match="not of 17 levels"):
        made.check(torch.tensor([0.03]))
    with pytest.raises(InputError, match=r"from -1\.5 to 1 are not of 17"):
        check_levels(torch.tensor([-1.5, 1.0]), 17)
    stored = (torch.arange(17) * 255 / 16).round() / 127.5 - 1  # as 8 bits
    made.check(stored)
    torch.testing.assert_close(made.rounded(stored), levels_of(17))
    for wrong in ({"levels": 1}, {"components": 0}):
        with pytest.raises(InputError, match="two or more"):
            Logistics(**wrong)
