"""Known bits: a uniform text, a cycle, and the smoothing by hand."""

import math

import pytest
import torch

from likeness.language.ngrams import baselines, bits


def test_a_cycle_is_certain_given_one_token() -> None:
    x = torch.arange(4000) % 4
    found = baselines(x, x, 4)
    assert found["uniform"] == found["unigram"] == pytest.approx(2, abs=1e-6)
    assert found["bigram"] < 1e-3 > found["trigram"]


def test_smoothing_by_hand() -> None:
    train, text = torch.tensor([0, 0, 1]), torch.tensor([2])
    assert bits(train, text, 3, 0, alpha=0.5) == pytest.approx(-math.log2(0.5 / 4.5))
    pair = torch.tensor([0, 1])
    assert bits(train, pair, 3, 1, alpha=0.5) == pytest.approx(-math.log2(1.5 / 3.5))
    unseen = torch.tensor([2, 1])
    assert bits(train, unseen, 3, 1, alpha=0.5) == pytest.approx(math.log2(3))
