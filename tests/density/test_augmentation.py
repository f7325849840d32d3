"""The mixture's ends, and a vote that is scikit-learn's."""

import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier
from torch.nn.functional import cross_entropy

from likeness.density.augmentation import augmented_cross_entropy, vote
from likeness.errors import InputError


def test_its_ends_are_the_two_losses_and_between_it_is_linear() -> None:
    f, x, drawn, y = torch.nn.Linear(3, 4), torch.randn(5, 3), torch.randn(5, 3), torch.arange(5) % 4
    own, near, mixed = (augmented_cross_entropy(f, x, drawn, y, share=s) for s in (1.0, 0.0, 0.4))
    torch.testing.assert_close(own, cross_entropy(f(x), y, reduction="none", label_smoothing=0.1))
    torch.testing.assert_close(near, cross_entropy(f(drawn), y, reduction="none", label_smoothing=0.1))
    torch.testing.assert_close(mixed, 0.4 * own + 0.6 * near)
    with pytest.raises(InputError, match="share 2"):
        augmented_cross_entropy(f, x, drawn, y, share=2)


def test_the_vote_is_scikit_learns() -> None:
    known, y, codes = torch.randn(300, 3), torch.randint(0, 4, (300,)), torch.randn(50, 3)
    theirs = KNeighborsClassifier(5).fit(known.numpy(), y.numpy()).predict(codes.numpy())
    assert vote(codes, known, y, 5).tolist() == theirs.tolist()
    with pytest.raises(InputError, match="6 neighbours of 5"):
        vote(codes, known[:5], y[:5], 6)
