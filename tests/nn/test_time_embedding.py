"""Sinusoids of known value; labels are checked; a modulation is a scale and a shift."""

import math

import pytest
import torch

from likeness.errors import InputError
from likeness.nn.time_embedding import Modulation, TimeEmbedding, sinusoids


def test_sinusoids_as_published() -> None:
    t, i = torch.tensor([0.0, 3.0, 999.0]), torch.arange(4)
    angle = t[:, None] * 10_000.0 ** (-i / 4)
    torch.testing.assert_close(sinusoids(t, 8), torch.cat((angle.cos(), angle.sin()), 1), atol=1e-4, rtol=1e-4)
    assert sinusoids(t, 9).shape == (3, 9)
    assert not sinusoids(t, 9)[:, 8].any()
    assert float(sinusoids(torch.tensor([1e4]), 8, shift=1)[0, 3]) == pytest.approx(math.cos(1), abs=1e-3)


def test_times_and_classes_are_told_apart() -> None:
    e = TimeEmbedding(16, 8, classes=2)
    t, y = torch.tensor([1.0, 1.0, 2.0]), torch.tensor([0, 1, 0])
    found = e(t, y)
    torch.testing.assert_close(found[1] - found[0], e.embed.weight[1] - e.embed.weight[0])
    assert not torch.allclose(found[0], found[2], atol=1e-3)


def test_labels_are_checked() -> None:
    e, t = TimeEmbedding(4, 4, classes=3), torch.zeros(2)
    for wrong in (-1, 3):
        with pytest.raises(InputError, match=f"class {wrong}: there are 3"):
            e(t, torch.tensor([0, wrong]))
    with pytest.raises(InputError, match="give it labels"):
        e(t)
    with pytest.raises(InputError, match="without classes"):
        TimeEmbedding(4, 4)(t, torch.tensor([0, 1]))


def test_a_modulation_scales_and_shifts_each_channel() -> None:
    m, h, e = Modulation(3, 2), torch.randn(4, 2, 5, 5), torch.randn(4, 3)
    s, b = m.linear(torch.nn.functional.silu(e)).chunk(2, 1)
    torch.testing.assert_close(m(h, e), h * (1 + s)[..., None, None] + b[..., None, None])
