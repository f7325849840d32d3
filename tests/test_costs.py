"""Costs are what they are called: a square is summed over dimensions, nats are those of the likelihood."""

import torch

from likeness.costs import Cost, Nats, SquaredError
from likeness.density.likelihoods import Bernoulli, Gaussian
from likeness.sampling import Streams


def test_the_squared_error_is_summed_over_dimensions() -> None:
    x = torch.zeros(2, 1, 2, 2)
    assert SquaredError()(x, x + 3).tolist() == [36.0, 36.0]
    assert torch.equal(SquaredError().sample(x, Streams(0)), SquaredError().mean(x))


def test_nats_of_a_gaussian_are_a_squared_error_up_to_scale_and_constant() -> None:
    x, a, b = torch.randn(3, 5, 4).unbind(0)
    nats, square = Nats(Gaussian(0.5)), SquaredError()
    torch.testing.assert_close(nats(x, a) - nats(x, b), (square(x, a) - square(x, b)) / (2 * 0.25))


def test_means_and_draws_are_the_likelihoods() -> None:
    outputs = torch.randn(4, 1, 2, 2)
    cost = Nats(Bernoulli())
    assert isinstance(cost, Cost)
    assert torch.equal(cost.mean(outputs), Bernoulli().mean(outputs))
    assert set(cost.sample(outputs, Streams(0)).unique().tolist()) <= {-1.0, 1.0}
