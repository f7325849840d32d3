"""The KL is that of torch, schedules go where they say, and free bits are free."""

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from likeness.density.latents import (
    Posterior,
    constant,
    cyclic,
    importance_weighted,
    interpolated,
    kl,
    linear,
    log_prior,
    weighting,
    with_free_bits,
)
from likeness.errors import InputError


def test_the_kl_and_the_densities_are_those_of_torch() -> None:
    q = Posterior.of(torch.randn(6, 8))
    normal = Normal(q.mean, (q.log_variance / 2).exp())
    torch.testing.assert_close(kl(q), kl_divergence(normal, Normal(0.0, 1.0)))
    z = q.at(torch.randn(6, 4))
    torch.testing.assert_close(q.log_prob(z), normal.log_prob(z).sum(1))
    torch.testing.assert_close(log_prior(z), Normal(0.0, 1.0).log_prob(z).sum(1))


def test_the_prior_itself_costs_nothing() -> None:
    assert (kl(Posterior.of(torch.zeros(3, 4))) == 0).all()


def test_an_untrained_encoder_cannot_leave_the_finite_numbers() -> None:
    assert kl(Posterior.of(torch.full((1, 2), 1e4))).isfinite().all()


def test_free_bits_are_free_and_those_above_are_not() -> None:
    each = torch.tensor([[0.1, 2.0], [0.3, 4.0]], requires_grad=True)
    value = with_free_bits(each, 0.5)
    assert float(value.detach()) == pytest.approx(0.5 + 3.0)
    value.backward()
    assert each.grad.tolist() == [[0.0, 0.5], [0.0, 0.5]]


def test_schedules() -> None:
    rise = linear(10, beta=2.0)
    assert [rise(i) for i in (0, 5, 10, 99)] == [0.0, 1.0, 2.0, 2.0]
    again = cyclic(100, cycles=2, rising=0.5)
    assert [again(i) for i in (0, 25, 40, 50, 100, 500)] == pytest.approx([0, 1, 1, 0, 1, 1])
    assert constant(3.0)(7) == 3.0


def test_lines_have_their_ends_and_equal_steps() -> None:
    a, b = torch.randn(2, 3), torch.randn(2, 3)
    line = interpolated(a, b, 5)
    assert torch.equal(line[0], a)
    torch.testing.assert_close(line[-1], b)
    torch.testing.assert_close(line[1:] - line[:-1], ((b - a) / 4).expand(4, 2, 3))


@pytest.mark.parametrize(
    "wrong", [lambda: constant(-1), lambda: linear(0), lambda: cyclic(10, rising=0), lambda: cyclic(10, cycles=0)]
)
def test_numbers_out_of_range_are_refused(wrong: object) -> None:
    with pytest.raises(InputError):
        wrong()
    with pytest.raises(InputError, match="two points"):
        interpolated(torch.zeros(1, 1), torch.zeros(1, 1), 1)


def test_the_divergence_from_any_prior_is_that_of_torch() -> None:
    q, p = Posterior.of(torch.randn(6, 8)), Posterior.of(torch.randn(6, 8))
    normals = [Normal(a.mean, (a.log_variance / 2).exp()) for a in (q, p)]
    torch.testing.assert_close(kl(q, p), kl_divergence(*normals))
    torch.testing.assert_close(kl(q, Posterior(torch.zeros(6, 4), torch.zeros(6, 4))), kl(q))


def test_a_weighting_is_what_is_added_to_the_divergence() -> None:
    a, b = torch.rand(5, 2), torch.rand(5, 3)
    assert weighting([a, b], 1.0, [0.0, 0.0]) == {}
    plain = a.sum(1).mean() + b.sum(1).mean()
    torch.testing.assert_close(weighting([a, b], 3.0, [0.0, 0.0])["weighting"], 2 * plain)
    pushed = weighting([a, b], 1.0, [0.0, 9.0])["weighting"]
    torch.testing.assert_close(pushed, torch.tensor(27.0) - b.sum(1).mean())


def test_the_importance_weighted_mean_is_that_of_the_weights() -> None:
    weights = iter([torch.tensor([0.0, 1.0]), torch.tensor([2.0, 1.0]), torch.tensor([4.0, 1.0])])
    found = importance_weighted(lambda: next(weights), 3)
    expected = torch.tensor([0.0, 2.0, 4.0]).exp().mean().log()
    torch.testing.assert_close(found, torch.stack((expected, torch.tensor(1.0))))
    with pytest.raises(InputError, match="k 0"):
        importance_weighted(lambda: torch.zeros(1), 0)
