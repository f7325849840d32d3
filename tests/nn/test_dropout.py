"""What is dropped is a share, its mean stays, and a part of a batch drops what the whole would."""

import pytest
import torch

from likeness.errors import InputError
from likeness.nn.dropout import Dropout
from likeness.ranks import Part, holding


def test_a_share_is_dropped_and_the_mean_stays() -> None:
    y = Dropout(0.25)(torch.ones(200, 500))
    assert abs(float((y == 0).float().mean()) - 0.25) < 0.01
    assert abs(float(y.mean()) - 1) < 0.01
    assert torch.equal(Dropout(0.25).eval()(torch.ones(3, 2)), torch.ones(3, 2))


def test_a_part_drops_what_the_whole_would() -> None:
    x, drop = torch.randn(6, 4), Dropout(0.5)
    torch.manual_seed(1)
    whole = drop(x)
    torch.manual_seed(1)
    with holding(Part(2, 3, 6)):
        assert torch.equal(drop(x[2:5]), whole[2:5])


def test_the_share_is_checked() -> None:
    with pytest.raises(InputError, match="dropout 1"):
        Dropout(1.0)
