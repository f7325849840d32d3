"""The mixture is its explicit sum, a sample's own code tells it nothing, and neighbours alone give a lower bound."""

import math
from itertools import pairwise

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Normal

from likeness.density.exemplars import Memory, log_mixture, log_normals, others
from likeness.density.latents import log_prior


def codes(n: int, m: int, d: int = 3, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(k, d, generator=generator, dtype=torch.float64) for k in (n, m))  # type: ignore[return-value]


@given(n=st.integers(1, 5), m=st.integers(1, 9), d=st.integers(1, 5), log_variance=st.floats(-3, 2))
@settings(deadline=None, max_examples=30)
def test_it_is_the_explicit_sum(n: int, m: int, d: int, log_variance: float) -> None:
    z, centres = codes(n, m, d)
    each = Normal(centres, math.exp(log_variance / 2)).log_prob(z[:, None]).sum(2)
    expected = each.exp().mean(1).log()
    torch.testing.assert_close(log_mixture(z, centres, torch.tensor(log_variance, dtype=torch.float64)), expected)


def test_one_exemplar_at_zero_is_the_standard_normal() -> None:
    z, _ = codes(6, 1)
    torch.testing.assert_close(log_mixture(z, torch.zeros(1, 3).double(), torch.tensor(0.0)), log_prior(z))


def test_the_order_of_exemplars_does_not_matter() -> None:
    z, centres = codes(4, 7)
    zero = torch.tensor(0.0)
    torch.testing.assert_close(log_mixture(z, centres.flip(0), zero), log_mixture(z, centres, zero))


def test_left_out_a_sample_is_one_of_fewer_and_gives_no_gradient() -> None:
    z, centres = codes(7, 7)
    centres.requires_grad_()
    used = others(torch.arange(7), torch.arange(7))
    left = log_mixture(z, centres, torch.tensor(0.0), used)
    for i in range(7):
        rest = torch.cat((centres[:i], centres[i + 1 :]))
        torch.testing.assert_close(left[i], log_mixture(z[i : i + 1], rest, torch.tensor(0.0))[0])
        (grad,) = torch.autograd.grad(left[i], centres, retain_graph=True)
        assert (grad[i] == 0).all()
        assert (grad[(i + 1) % 7] != 0).any()


def test_neighbours_give_a_lower_bound_that_is_exact_with_all_of_them() -> None:
    z, centres = codes(5, 20)
    zero, nats = torch.tensor(0.0), []
    order = log_normals(z, centres, zero).argsort(1, descending=True).argsort(1)
    for k in (1, 5, 19, 20):
        nats.append(log_mixture(z, centres, zero, order < k, torch.full((5,), 20)))
    for fewer, more in pairwise(nats):
        assert (fewer < more).all()
    torch.testing.assert_close(nats[-1], log_mixture(z, centres, zero))


def test_a_memory_gives_back_what_came_and_images_to_the_bit() -> None:
    images = torch.randint(0, 256, (4, 1, 2, 2)).float().sub(127.5).mul(1 / 127.5)
    for event, x in (((3,), torch.randn(4, 3)), ((1, 2, 2), images)):
        memory = Memory(6, event)
        rows = torch.tensor([5, 0, 2, 1])
        memory.keep(rows, x)
        assert torch.equal(memory.recall(rows), x)
        assert memory.kept.tolist() == [True, True, True, False, False, True]
