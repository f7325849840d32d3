"""What is taken for labels, the smoothed cost against its definition, and heads for encoders."""

import pytest
import torch
from torch import nn

from likeness.errors import InputError
from likeness.nn.small_cnn import SmallCNN
from likeness.represent.labels import check_smoothing, head_for, labelled, loss

Y = torch.tensor([0, 2, 1])


def test_labels_of_the_classes_are_taken_as_they_are() -> None:
    assert labelled(Y, 3) is Y
    assert labelled(Y - 1, 2, least=-1).tolist() == [-1, 1, 0]


@pytest.mark.parametrize(
    ("y", "words"),
    [(None, "this data has none"), (Y, "labels from 0 to 2 for 2 classes"), (Y - 1, "from -1 to 1"), (Y + 1, "to 3")],
)
def test_others_are_refused(y: torch.Tensor | None, words: str) -> None:
    with pytest.raises(InputError, match=words):
        labelled(y, 2)


def test_the_cost_is_its_definition() -> None:
    logits = torch.randn(3, 4)
    q = 0.8 * torch.eye(4)[Y] + 0.2 / 4
    torch.testing.assert_close(loss(logits, Y, smoothing=0.2), -(q * logits.log_softmax(1)).sum(1))
    torch.testing.assert_close(loss(logits, Y), -logits.log_softmax(1)[torch.arange(3), Y])


def test_a_smoothing_is_a_share() -> None:
    for smoothing in (1.0, -0.1, float("nan")):
        with pytest.raises(InputError, match="a share from 0 to below 1"):
            check_smoothing(smoothing)


def test_an_encoder_says_how_many_features_it_gives() -> None:
    assert head_for(SmallCNN(1, d=8), 3).weight.shape == (3, 8)
    with pytest.raises(InputError, match="the encoder Identity has no number d"):
        head_for(nn.Identity(), 3)
