"""The contract, by each way to learn; couplings come back from draws; probabilities sum to one."""

import pytest
import torch
from torch.optim import LBFGS, Adam

from likeness.core import train
from likeness.data.batch import Batch
from likeness.energy.ising import Ising, contrastive_divergence, likelihood, pseudo_likelihood
from likeness.energy.lattice import DIAGONAL, Lattice, energy, pseudo_log_likelihood
from likeness.energy.strips import exact_draws, states
from likeness.errors import InputError
from likeness.sampling import Streams, draw
from likeness.testing import check_method

WAYS = {"pseudo": pseudo_likelihood, "contrast": contrastive_divergence(2), "likelihood": likelihood}
TRUE = Lattice(torch.tensor([0.4, 0.2, -0.15, 0.1]), torch.tensor(0.1), DIAGONAL)


@pytest.mark.parametrize("learning", WAYS.values(), ids=WAYS)
def test_contract(learning) -> None:
    batch = Batch(torch.randn(9, 1, 4, 6))
    check_method(
        lambda: Ising((1, 4, 6), offsets=DIAGONAL, learning=learning), batch, lambda m: Adam(m.parameters(), 0.1)
    )


def test_contract_of_a_grid_with_no_short_side() -> None:
    batch = Batch(torch.randn(5, 1, 12, 11))
    build = lambda: Ising((1, 12, 11), by_pixel=False, steps=5)  # noqa: E731
    check_method(build, batch, lambda m: Adam(m.parameters(), 0.1))
    assert build().log_prob_kind == "unnormalised"
    assert Ising((1, 12, 10)).log_prob_kind == "exact"


@pytest.mark.parametrize("learning", WAYS.values(), ids=WAYS)
def test_the_couplings_of_draws_are_found(learning) -> None:
    x = exact_draws(TRUE, 2000, 6, 6, Streams(0))[:, None]
    method = Ising((1, 6, 6), offsets=DIAGONAL, by_pixel=False, learning=learning)
    for lr in (0.05, 0.01):
        for _ in train(method, [Batch(x)] * 30, Adam(method.parameters(), lr)):
            pass
    torch.testing.assert_close(method.J.detach(), TRUE.J, atol=0.03, rtol=0)
    assert float(method.h.detach()) == pytest.approx(0.1, abs=0.03)


def test_pseudo_likelihood_is_largest_at_the_likelihood_of_a_single_spin() -> None:
    """Of a grid of one spin both are the same, and the field is that of the share of ones."""
    x = torch.where(torch.rand(500, 1, 1, 1) < 0.8, 1.0, -1.0)
    method = Ising((1, 1, 1))
    torch.testing.assert_close(method.pseudo(x), method.log_prob(x))
    optimiser = LBFGS([method.h], max_iter=50)
    for _ in train(method, [Batch(x)] * 3, optimiser):
        pass
    torch.testing.assert_close(method.h.detach().tanh(), x.mean(0)[0], atol=1e-4, rtol=0)


@pytest.mark.parametrize("periodic", [False, True])
def test_probabilities_of_all_images_sum_to_one(periodic: bool) -> None:
    method = Ising((1, 2, 4), periodic=periodic)
    torch.nn.init.normal_(method.J)
    torch.nn.init.normal_(method.h)
    assert float(method.log_prob(states(2, 4)[:, None]).exp().sum().detach()) == pytest.approx(1, abs=1e-4)


def test_images_are_those_by_the_threshold() -> None:
    method = Ising((1, 3, 3), threshold=0.5)
    torch.nn.init.normal_(method.J)
    x = torch.rand(4, 1, 3, 3) * 2 - 1
    spins = torch.where(x > 0.5, 1.0, -1.0)
    torch.testing.assert_close(method(x), energy(method.law, spins[:, 0]))
    torch.testing.assert_close(method.pseudo(x), pseudo_log_likelihood(method.law, spins[:, 0]))
    assert not torch.equal(method(x), method(torch.where(x > 0, 1.0, -1.0)))


def test_chains_and_exact_draws_are_of_one_law() -> None:
    means = []
    for periodic in (False, True):
        torch.manual_seed(1)
        method = Ising((1, 4, 4), periodic=periodic, steps=60)
        torch.nn.init.normal_(method.h, std=0.5)
        torch.nn.init.constant_(method.J, 0.2)
        every = states(4, 4)[:, None]
        p = method.log_prob(every).detach().exp()
        x = draw(method.sample, 20_000, generator=0)
        torch.testing.assert_close(x.mean(0), torch.einsum("k,kchw->chw", p, every), atol=0.03, rtol=0)
        means.append(x.mean(0))
    assert not torch.allclose(*means, atol=0.03)


def test_what_cannot_be_is_refused() -> None:
    for wrong, said in (
        (lambda: Ising((3, 4, 4)), "images of 3 channels"),
        (lambda: Ising((1, 4, 4), steps=0), "steps 0"),
        (lambda: Ising((1, 3, 4), periodic=True), "a periodic grid of 3"),
    ):
        with pytest.raises(InputError, match=said):
            wrong()
