"""Heads: the layers between a feature and a loss, their arithmetic, and a batch of one."""

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import batch_norm, cross_entropy, relu

from likeness.errors import InputError
from likeness.nn.heads import linear_head, projection


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("norm", [False, True])
def test_a_projection_is_its_formula(layers: int, norm: bool) -> None:
    g, h = projection(5, hidden=7, out=3, layers=layers, norm=norm), torch.randn(6, 5)
    linear = [part for part in g if isinstance(part, nn.Linear)]
    assert len(linear) == layers
    z = h
    for layer in linear[:-1]:
        z = layer(z)
        z = relu(batch_norm(z, None, None, training=True) if norm else z)
    torch.testing.assert_close(g(h), linear[-1](z))


def test_the_head_of_swav_has_its_parameters() -> None:
    g = projection(2048, hidden=2048, out=128)
    assert sum(p.numel() for p in g.parameters()) == 2048 * 2048 + 2 * 2048 + 2048 * 128 + 128


def test_a_batch_of_one_is_refused_where_the_batch_is_looked_at() -> None:
    h = torch.randn(1, 5)
    with pytest.raises(InputError, match="batches of 2 or more"):
        projection(5, hidden=7, out=3)(h)
    assert projection(5, hidden=7, out=3).eval()(h).shape == (1, 3)
    assert projection(5, hidden=7, out=3, norm=False)(h).shape == (1, 3)
    assert projection(5, hidden=7, out=3, layers=1)(h).shape == (1, 3)


def test_an_untrained_classifier_holds_all_classes_alike() -> None:
    logits = linear_head(16, 10)(torch.randn(500, 16))
    assert float(cross_entropy(logits.detach(), torch.arange(500) % 10)) == pytest.approx(math.log(10), abs=0.01)
    assert float(logits.abs().max()) > 0, "a gradient has to reach the encoder at the first step"


def test_heads_without_layers_or_classes_are_refused() -> None:
    with pytest.raises(InputError, match="0 layers"):
        projection(5, hidden=7, out=3, layers=0)
    with pytest.raises(InputError, match="1 classes"):
        linear_head(5, 1)
