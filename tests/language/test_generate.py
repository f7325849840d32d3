"""Filters keep what they say, limits are greedy, and a cached draw is the draw."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from likeness.errors import InputError
from likeness.language.generate import chosen, filters, generated, nucleus, tempered, top_k
from likeness.nn.lstm import LSTM
from likeness.nn.transformer import Transformer
from likeness.sampling import Streams


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=9), st.floats(0.05, 1))
def test_the_nucleus_is_the_smallest_set_with_mass_p(logits: list[float], p: float) -> None:
    q = torch.tensor([logits]).double().softmax(1)[0]
    kept = nucleus(torch.tensor([logits]), p)[0].isfinite()
    assert q[kept].sum() >= p - 1e-9
    assert q[kept].sum() - q[kept].min() < p + 1e-9
    assert not (~kept).any() or q[kept].min() >= q[~kept].max() - 1e-9


def test_limits_are_greedy() -> None:
    logits = torch.randn(50, 9)
    best, u = logits.argmax(1), torch.rand(50)
    for through in (filters(0.0), filters(k=1), filters(p=1e-6), filters(1e-4)):
        assert torch.equal(chosen(through(logits), u), best)


def test_top_k_keeps_k_and_temperature_scales() -> None:
    logits = torch.randn(5, 9)
    assert (top_k(logits, 3) > -math.inf).sum(1).tolist() == [3] * 5
    assert torch.equal(top_k(logits, 20), logits)
    assert torch.allclose(tempered(logits, 2.0), logits / 2)


def test_choices_follow_the_probabilities() -> None:
    p = torch.tensor([0.5, 0.0, 0.3, 0.2])
    found = chosen(p.log().expand(20_000, 4), torch.rand(20_000))
    share = torch.bincount(found, minlength=4) / 20_000
    assert share[1] == 0
    assert (share - p).abs().max() < 0.015


@pytest.mark.parametrize("network", [LSTM(7, width=12), Transformer(7, 20, width=16, layers=2, heads=2)])
def test_a_cached_draw_is_the_draw(network) -> None:
    network.eval()
    prompt = torch.tensor([3, 1])
    for p in (None, prompt):
        a, b = (generated(network, 4, 20, Streams(0), prompt=p, cached=c) for c in (True, False))
        assert torch.equal(a, b)
    assert a[:, :2].tolist() == [[3, 1]] * 4
    assert torch.equal(generated(network, 2, 20, Streams(0).at(2)), generated(network, 4, 20, Streams(0))[2:])


def test_what_is_out_of_range_is_refused() -> None:
    for bad in ({"temperature": -1.0}, {"k": 0}, {"p": 0.0}, {"p": 1.5}):
        with pytest.raises(InputError):
            filters(**bad)
    with pytest.raises(InputError, match="prompt of 3"):
        generated(LSTM(4, width=4), 1, 3, Streams(0), prompt=torch.zeros(3, dtype=torch.long))
