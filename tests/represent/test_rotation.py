"""The contract, what a turn is, what chance and learning give, and images that cannot be turned."""

import math

import pytest
import torch
from torch.optim import Adam

from likeness.core import train
from likeness.data import load
from likeness.data.batch import Batch
from likeness.data.batching import batches, whole
from likeness.data.views import digits
from likeness.errors import InputError
from likeness.nn.small_cnn import SmallCNN
from likeness.represent.rotation import Rotation, turned
from likeness.testing import check_method

IMAGES = Batch(torch.rand(9, 1, 8, 8) * 2 - 1)


def small() -> Rotation:
    return Rotation(SmallCNN(1, width=4, d=8))


def test_contract() -> None:
    check_method(small, IMAGES, lambda m: Adam(m.parameters(), 1e-2))
    check_method(lambda: Rotation(SmallCNN(1, width=4, d=8), view=digits(8)), IMAGES, lambda m: Adam(m.parameters()))


def test_four_quarters_are_a_circle() -> None:
    x = IMAGES.x
    turns = turned(x)
    assert torch.equal(turns[:, 0], x)
    assert torch.equal(turns[:, 2], x.flip(2, 3))
    for r in range(4):
        assert torch.equal(turned(turns[:, r])[:, 1], turns[:, (r + 1) % 4])
    x = torch.zeros(1, 1, 2, 2)
    x[..., 0, 1] = 1  # above, right: a quarter against the clock brings it to above, left
    assert turned(x)[0, 1, 0].tolist() == [[1, 0], [0, 0]]


def test_images_that_look_the_same_each_way_leave_it_at_chance() -> None:
    x = turned(torch.ones(5, 1, 8, 8))
    losses = small().losses(x)
    torch.testing.assert_close(losses.mean(1).clamp(min=math.log(4)), losses.mean(1))


def test_it_learns_which_way_digits_stand() -> None:
    """Against a quarter by chance; which way a 0, a 1 or an 8 stands nobody knows, nor a 6 from a 9."""
    data = load("digits")
    held = whole(data.validation).x
    model = Rotation(SmallCNN(1, width=8, d=32))
    for _ in train(model, batches(data.train, 64, steps=80), Adam(model.parameters(), 5e-3)):
        pass
    right = [float((model.turns(turned(held)[:, r]).argmax(1) == r).float().mean()) for r in range(4)]
    assert sum(right) / 4 > 0.6
    assert model.encode(held).shape == (len(held), 32)


def test_images_that_are_not_square_are_refused() -> None:
    with pytest.raises(InputError, match="images of 8×6"):
        turned(torch.zeros(2, 1, 8, 6))
