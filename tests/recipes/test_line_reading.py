"""The encoder suits the height of the data; trainings are of a sensible length; the rate falls to zero."""

import pytest
import torch
from torch import nn
from torch.optim import SGD

from likeness.core import Method
from likeness.errors import InputError
from likeness.recipes.common import Facts
from likeness.recipes.line_reading import cool, encoder_for, steps_for

LINES = Facts("lines", (1, 16, 40), (), (), 50)


def test_the_encoder_reads_lines_of_that_height() -> None:
    f = encoder_for(LINES, d=12, width=4, context=1)
    assert f(torch.randn(2, 1, 16, 40)).shape == (2, 10, 12)
    with pytest.raises(InputError, match="--context -1"):
        encoder_for(LINES, d=12, width=4, context=-1)
    with pytest.raises(InputError, match="20 pixels high"):
        encoder_for(LINES._replace(event=(1, 20, 40)), d=12, width=4, context=0)


def test_how_long() -> None:
    assert steps_for(100, 10, epochs=3) == 300
    assert steps_for(6400, 64, epochs=10) == 1000
    assert steps_for(10**7, 10, epochs=10) == 20_000


def test_the_rate_falls_by_a_cosine() -> None:
    method = Method()
    move = SGD([nn.Parameter(torch.zeros(1))], 1.0)
    rates = []
    for method.iteration in (0, 5, 10, 12):
        cool(method, move, 2.0, 10)
        rates.append(move.param_groups[0]["lr"])
    assert rates == pytest.approx([2, 1, 0, 0])
