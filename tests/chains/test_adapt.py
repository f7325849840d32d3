import pytest
import torch
from torch import Tensor

from likeness.chains.adapt import adapted
from likeness.chains.hamiltonian import BEST, hamiltonian
from likeness.errors import InputError
from likeness.sampling import Streams


def test_the_size_is_found_at_which_as_many_are_accepted_as_is_wanted() -> None:
    _, size = adapted(lambda x, eta: (x, torch.tensor([1 / (1 + eta)])), 0, first=50.0, wanted=0.25, steps=200)
    assert size == pytest.approx(3, rel=0.05)


@pytest.mark.parametrize("first", [1e-3, 10.0])
def test_chains_find_it_from_both_sides_whatever_the_scale(first: float) -> None:
    source, scale = Streams(0), 0.01
    log_f = lambda x: -x.square().sum(1) / (2 * scale**2)  # noqa: E731

    def step(x: Tensor, size: float) -> tuple[Tensor, Tensor]:
        return hamiltonian(log_f, x, torch.full((200,), size), source, leapfrogs=3)

    x, size = adapted(step, scale * source.normal(200, 10), first=first, wanted=BEST, steps=150)
    _, accepted = step(x, size)
    assert float(accepted.mean()) == pytest.approx(BEST, abs=0.12)


def test_a_size_of_zero_is_refused() -> None:
    with pytest.raises(InputError, match="step size 0"):
        adapted(lambda x, eta: (x, torch.ones(1)), 0, first=0.0, wanted=0.5)
