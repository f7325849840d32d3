"""Perceptrons: shapes, classes, and what a critic promises its refiners."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from likeness.errors import InputError
from likeness.nn import MLP, ResidualMLP, VectorCritic, orthogonal

SIZES = st.integers(1, 5)


@settings(max_examples=20, deadline=None)
@given(n=SIZES, a=SIZES, b=SIZES, depth=st.integers(1, 3), classes=st.integers(0, 3))
def test_shapes(n: int, a: int, b: int, depth: int, classes: int) -> None:
    x, y = torch.randn(n, a), torch.zeros(n, dtype=torch.long) if classes else None
    for kind in (MLP, ResidualMLP):
        assert kind(a, b, width=6, depth=depth, classes=classes)(x, y).shape == (n, b)
    D = VectorCritic(a, width=6, depth=depth, classes=classes)
    assert D(x, y).shape == (n,)
    assert D.features(x, y).shape == (n, D.feature_size)


def test_depth_counts_hidden_layers() -> None:
    for net in (MLP(2, 1, depth=2), VectorCritic(2, depth=2)):
        assert sum(isinstance(m, nn.Linear) for m in net.modules()) == 3


def test_a_perceptron_without_its_activation_is_linear() -> None:
    net = MLP(3, 2, activation=nn.Identity)
    x, y = torch.randn(4, 3), torch.randn(4, 3)
    torch.testing.assert_close(net(x + y) + net(torch.zeros(4, 3)), net(x) + net(y))


def test_a_residual_block_that_gives_nothing_is_the_identity() -> None:
    net = ResidualMLP(3, 2, width=8, depth=4)
    short = ResidualMLP(3, 2, width=8, depth=0)
    short.load_state_dict({k: v for k, v in net.state_dict().items() if not k.startswith("blocks")})
    for block in net.blocks:
        nn.init.zeros_(block[-1].weight)
        nn.init.zeros_(block[-1].bias)
    x = torch.randn(4, 3)
    torch.testing.assert_close(net(x), short(x))


@pytest.mark.parametrize("kind", [MLP, ResidualMLP])
def test_classes_matter_and_are_asked_for(kind: type) -> None:
    net = kind(3, 2, classes=2)
    x = torch.randn(1, 3).expand(2, 3)
    out = net(x, torch.tensor([0, 1]))
    assert not torch.allclose(out[0], out[1])
    with pytest.raises(InputError, match="2 classes"):
        net(x)
    with pytest.raises(InputError, match="without classes"):
        kind(3, 2)(x, torch.tensor([0, 1]))


def test_the_logit_is_linear_in_the_features() -> None:
    D = VectorCritic(3)
    x = torch.randn(4, 3)
    torch.testing.assert_close(D(x), D.head.linear(D.features(x)).squeeze(1))


def test_spectral_normalisation_bounds_the_slope_of_the_critic() -> None:
    """Every layer is 1-Lipschitz, hence so is the critic."""
    D = VectorCritic(3, spectral=True)
    for _ in range(50):
        D(torch.randn(2, 3))
    D.eval()
    for layer in D.modules():
        if isinstance(layer, nn.Linear):
            assert torch.linalg.matrix_norm(layer.weight, 2).item() == pytest.approx(1, abs=1e-2)
    x, y = 10 * torch.randn(200, 3), 10 * torch.randn(200, 3)
    assert ((D(x) - D(y)).abs() <= 1.02 * (x - y).norm(dim=1)).all()


def test_a_logit_in_evaluation_belongs_to_its_sample() -> None:
    D = VectorCritic(3, spectral=True, minibatch_std=True)
    x = torch.randn(6, 3)
    D(x)
    assert not torch.allclose(D(x)[:1], D(x[:1]))
    D.eval()
    torch.testing.assert_close(torch.cat([D(x[i : i + 1]) for i in range(6)]), D(x))


def test_no_hidden_layer_is_refused() -> None:
    with pytest.raises(InputError, match="depth 0"):
        MLP(2, 2, depth=0)
    with pytest.raises(InputError, match="depth 0"):
        VectorCritic(2, depth=0)


def test_orthogonal_first_weights_keep_lengths() -> None:
    net = MLP(6, 6, width=6, activation=nn.Identity)
    orthogonal(net, 0.5)
    x = torch.randn(5, 6)
    torch.testing.assert_close(net(x).norm(dim=1), 0.5**4 * x.norm(dim=1))
