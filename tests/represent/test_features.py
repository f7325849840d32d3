"""Features do not depend on the batch they come in, and modes are as they were."""

import torch
from torch import nn

from likeness.nn.heads import projection
from likeness.nn.small_cnn import SmallCNN
from likeness.represent.features import encoded, projected

F, G = SmallCNN(1, width=4, d=8), projection(8, hidden=8, out=5)
X = torch.rand(6, 1, 8, 8)


def test_a_sample_has_the_same_features_alone_and_among_others() -> None:
    torch.testing.assert_close(encoded(F, X)[:1], encoded(F, X[:1]))
    torch.testing.assert_close(projected(F, G, X)[:1], projected(F, G, X[:1]))


def test_projections_lie_on_the_sphere_and_nothing_asks_for_gradients() -> None:
    z = projected(F, G, X)
    torch.testing.assert_close(z.norm(dim=1), torch.ones(6))
    assert not z.requires_grad
    assert not encoded(F, X).requires_grad


def test_each_part_is_in_its_own_mode_afterwards() -> None:
    f = nn.Sequential(nn.Flatten(), nn.Linear(64, 3).eval(), nn.Dropout())
    encoded(f, X)
    assert [part.training for part in f] == [True, False, True]
