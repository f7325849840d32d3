"""Separable codes need one label a class, noise none helps, and draws are paired between codes."""

import pytest
import torch

from likeness.errors import InputError
from likeness.represent.few_labels import accuracies

Y = torch.arange(300) % 3


def test_separable_codes_and_noise() -> None:
    z = torch.eye(3)[Y] * 20 + torch.randn(300, 3)
    assert min(accuracies(z, Y, z, Y, per_class=1)) > 0.99
    noise = accuracies(torch.randn(300, 3), Y, torch.randn(300, 3), Y, per_class=5)
    assert 0.2 < sum(noise) / len(noise) < 0.47


def test_the_scale_of_a_code_does_not_matter_and_draws_are_paired() -> None:
    z = torch.eye(3)[Y] + torch.randn(300, 3)
    scaled = z * torch.tensor([1.0, 1000.0, 0.01]) + 5
    a, b = (accuracies(c, Y, c, Y, per_class=3) for c in (z, scaled))
    assert a == pytest.approx(b, abs=0.01)
    assert len(set(a)) > 1
    assert a == accuracies(z, Y, z, Y, per_class=3)


def test_more_labels_than_there_are_are_refused() -> None:
    with pytest.raises(InputError, match="the rarest has 100"):
        accuracies(torch.randn(300, 2), Y, torch.randn(9, 2), torch.zeros(9).long(), per_class=101)
