"""Likelihoods: known values, total probability, draws that have the stated mean and spread, floors, and refusals."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, distributions, nn

from likeness.density.likelihoods import (
    Bernoulli,
    DiscretisedLogistic,
    Gaussian,
    GaussianMap,
    Likelihood,
    Located,
    binarised,
    categories,
    placed,
)
from likeness.errors import InputError
from likeness.sampling import Streams, draw

MADE: dict[str, Callable[[], nn.Module]] = {
    "bernoulli": Bernoulli,
    "gaussian": lambda: Gaussian(0.3),
    "learned": lambda: Gaussian(0.3, learn=True),
    "map": GaussianMap,
    "logistic": lambda: DiscretisedLogistic(16),
}


def outputs_for(made: nn.Module, n: int, *event: int) -> Tensor:
    return torch.randn(n, made.outputs * event[0], *event[1:])


@pytest.mark.parametrize("build", MADE.values(), ids=MADE)
@pytest.mark.parametrize("event", [(3,), (2, 4, 4)])
def test_shapes_gradients_and_draws_that_belong_to_their_sample(build: Callable[[], nn.Module], event: tuple) -> None:
    made = build()
    assert isinstance(made, Likelihood)
    outputs = outputs_for(made, 6, *event).requires_grad_()
    x = made.sample(outputs.detach(), Streams(0))
    made.check(x.clamp(-1, 1))
    value = made.log_prob(x, outputs)
    assert x.shape == made.mean(outputs).shape == (6, *event)
    assert value.shape == (6,)
    value.sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in (outputs, *made.parameters()))
    together = draw(
        lambda n, generator: made.sample(outputs.detach()[generator.first :][:n], generator), 6, generator=1
    )
    parts = draw(
        lambda n, generator: made.sample(outputs.detach()[generator.first :][:n], generator),
        6,
        generator=1,
        batch_size=4,
    )
    assert torch.equal(together, parts)


@pytest.mark.parametrize("build", MADE.values(), ids=MADE)
def test_draws_have_the_mean_that_is_stated(build: Callable[[], nn.Module]) -> None:
    made, n = build(), 40_000
    outputs = 0.3 * outputs_for(made, 1, 4)
    x = made.sample(outputs.expand(n, -1), Streams(3))
    error = (x.mean(0) - made.mean(outputs)[0]).abs()
    allowed = 5 * x.std(0) / math.sqrt(n) + (made.step / 2 if isinstance(made, DiscretisedLogistic) else 0)
    assert (error <= allowed).all()


def test_gaussians_are_those_of_torch_summed_over_dimensions() -> None:
    x, outputs = torch.randn(5, 2, 3, 3), torch.randn(5, 4, 3, 3)
    expected = distributions.Normal(outputs[:, :2], 0.2).log_prob(x).sum((1, 2, 3))
    torch.testing.assert_close(Gaussian(0.2).log_prob(x, outputs[:, :2]), expected)
    made = GaussianMap(floor=0.1)
    expected = distributions.Normal(outputs[:, :2], made.sigma(outputs)).log_prob(x).sum((1, 2, 3))
    torch.testing.assert_close(made.log_prob(x, outputs), expected)


def test_learned_sigma_starts_where_it_is_told_and_its_gradient_vanishes_at_the_root_of_the_mean_square() -> None:
    x, mu = torch.randn(200, 7), torch.zeros(200, 7)
    made = Gaussian(float(x.square().mean().sqrt()), learn=True)
    torch.testing.assert_close(made.sigma.detach(), x.square().mean().sqrt())
    made.log_prob(x, mu).mean().backward()
    assert abs(float(made.raw.grad)) < 1e-4
    other = Gaussian(0.5, learn=True)
    other.log_prob(x, mu).mean().backward()
    assert float(other.raw.grad) > 1, "below the optimum σ is pushed up"


def test_floors_hold_however_low_the_outputs_are() -> None:
    outputs = torch.full((1, 2), -1e4)
    assert float(GaussianMap(floor=0.03).sigma(outputs)) == pytest.approx(0.03)
    made = Gaussian(0.5, learn=True, floor=0.02)
    with torch.no_grad():
        made.raw.fill_(-1e4)
    assert float(made.sigma.detach()) == pytest.approx(0.02)
    assert made.log_prob(torch.zeros(1, 9), torch.zeros(1, 9)).isfinite().all()


def test_bernoulli_is_that_of_torch_and_sums_to_one() -> None:
    logits = torch.randn(1, 5)
    every = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * 5)
    value = Bernoulli().log_prob(every, logits.expand(len(every), -1))
    torch.testing.assert_close(value.exp().sum(), torch.tensor(1.0))
    zeros_and_ones = (every + 1) / 2
    expected = distributions.Bernoulli(logits=logits).log_prob(zeros_and_ones).sum(1)
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(Bernoulli(low=0.0).log_prob(zeros_and_ones, logits.expand(32, -1)), expected)


@pytest.mark.parametrize(("mu", "raw"), [(0.0, 0.0), (3.0, -1.0), (-0.9, -12.0), (0.33, -4.0)])
def test_a_discretised_logistic_sums_to_one_over_its_levels(mu: float, raw: float) -> None:
    made = DiscretisedLogistic(256)
    levels = torch.linspace(-1, 1, 256)[:, None]
    outputs = torch.tensor([[mu, raw]]).expand(256, -1)
    p = made.log_prob(levels, outputs).double().exp()
    assert float(p.sum()) == pytest.approx(1, abs=1e-4)
    drawn = made.sample(torch.tensor([[mu, raw]]).expand(20_000, -1), Streams(0))
    place = ((drawn[:, 0] + 1) / made.step).round().long()
    observed = torch.bincount(place, minlength=256) / 20_000
    assert (observed - p).abs().sum() < 0.15
    assert float(drawn.min()) >= -1
    assert float(drawn.max()) <= 1


def test_a_discretised_logistic_keeps_its_digits_far_from_its_mean() -> None:
    made = DiscretisedLogistic(256)
    outputs = torch.tensor([[0.0, -6.0]], requires_grad=True)
    value = made.log_prob(torch.tensor([[0.9]]), outputs)
    value.sum().backward()
    assert value.isfinite().all()
    assert outputs.grad.isfinite().all()
    assert outputs.grad[0, 0] > 10, "the mean is drawn to where the sample is"


def test_categories_are_those_of_torch_and_an_unseen_value_says_nothing() -> None:
    logits = torch.randn(4, 3)
    y = torch.tensor([0, 2, 1, 1])
    expected = distributions.Categorical(logits=logits).log_prob(y)
    torch.testing.assert_close(categories(nn.functional.one_hot(y, 3).float(), logits), expected)
    assert (categories(torch.zeros(4, 3), logits) == 0).all()


def test_binarised_pixels_have_the_grey_value_as_their_mean() -> None:
    x = torch.linspace(-1, 1, 5).expand(20_000, 5)
    drawn = binarised(x)
    assert set(drawn.unique().tolist()) == {-1.0, 1.0}
    torch.testing.assert_close(drawn.mean(0), x[0], atol=0.05, rtol=0)
    assert not torch.equal(drawn, binarised(x))


@pytest.mark.parametrize(
    ("made", "x", "said"),
    [
        (Bernoulli(), torch.tensor([[2.0, 0.0]]), "rescale"),
        (Bernoulli(low=0.0), torch.tensor([[-1.0, 1.0]]), "rescale"),
        (Bernoulli(), torch.rand(4, 4), "binarise"),
        (DiscretisedLogistic(), torch.tensor([[1.5]]), "rescale"),
    ],
)
def test_samples_that_do_not_fit_are_refused_in_one_line(made: Likelihood, x: Tensor, said: str) -> None:
    with pytest.raises(InputError, match=said) as error:
        made.check(x)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "build",
    [lambda: Gaussian(0.0), lambda: Gaussian(-1.0), lambda: Gaussian(1e-4, learn=True), lambda: GaussianMap(floor=0.0)],
)
def test_a_sigma_that_is_not_above_zero_is_refused(build: Callable[[], object]) -> None:
    with pytest.raises(InputError, match=r"above zero|above its floor"):
        build()


@pytest.mark.parametrize("name", ["gaussian", "learned", "map"])
def test_a_sample_is_what_its_noise_makes_it(name: str) -> None:
    made = MADE[name]()
    assert isinstance(made, Located)
    outputs = outputs_for(made, 5, 3)
    noise = Streams(2).normal(5, 3)
    assert torch.equal(placed(made, outputs, noise), made.sample(outputs, Streams(2)))
    assert torch.equal(placed(made, outputs, None), made.mean(outputs))
    slope = torch.autograd.functional.jacobian(lambda e: placed(made, outputs, e).sum(), noise)
    torch.testing.assert_close(slope * noise + made.mean(outputs), made.sample(outputs, Streams(2)))


def test_rounded_samples_are_no_function_of_noise() -> None:
    with pytest.raises(InputError, match="DiscretisedLogistic are no smooth function"):
        placed(DiscretisedLogistic(), torch.zeros(2, 6), torch.zeros(2, 3))
