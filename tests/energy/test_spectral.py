"""The penalty is the sum of the exact largest singular values, and its gradient is that of them."""

import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from likeness.energy.spectral import SpectralPenalty, matrices


def network() -> nn.Module:
    return nn.Sequential(
        weight_norm(nn.Conv2d(2, 5, 3)), nn.ReLU(), nn.Conv2d(5, 4, 1), nn.Flatten(), nn.Linear(16, 3), nn.Linear(3, 1)
    )


def exact(weights: list[torch.Tensor]) -> torch.Tensor:
    return torch.stack([torch.linalg.svdvals(W)[0] for W in weights]).sum()


def test_it_is_the_sum_of_the_largest_singular_values_and_so_is_its_gradient() -> None:
    torch.manual_seed(0)
    made = network()
    weights = matrices(made)
    assert [tuple(W.shape) for W in weights] == [(5, 18), (4, 5), (3, 16), (1, 3)]
    penalty = SpectralPenalty(weights)
    penalty.iterate(weights, 500)
    torch.testing.assert_close(penalty(weights), exact(weights), rtol=1e-4, atol=0)
    ours, theirs = (torch.autograd.grad(f(matrices(made)), list(made.parameters()), allow_unused=True)
                    for f in (penalty, exact))  # fmt: skip
    for a, b in zip(ours, theirs, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            torch.testing.assert_close(a, b, rtol=1e-2, atol=1e-3)


def test_a_few_iterations_follow_weights_that_move_slowly() -> None:
    torch.manual_seed(0)
    W = torch.randn(20, 30)
    penalty = SpectralPenalty([W])
    penalty.iterate([W], 40)
    for _ in range(100):
        W = W + 0.02 * torch.randn(20, 30)
        penalty.iterate([W], 4)
    torch.testing.assert_close(penalty([W]), exact([W]), rtol=0.02, atol=0)
    assert penalty([W]) <= exact([W]) * 1.00001, "the value of uᵀ W v never exceeds it"


def test_the_vectors_are_state() -> None:
    weights = matrices(network())
    one, other = SpectralPenalty(weights), SpectralPenalty(weights)
    one.iterate(weights, 3)
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(weights), other(weights))
