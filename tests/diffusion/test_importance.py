import pytest
import torch

from likeness.diffusion.importance import KEPT, UNIFORM, Importance
from likeness.errors import InputError


def taught(losses: torch.Tensor) -> Importance:
    made, T = Importance(len(losses)), len(losses)
    u = ((torch.arange(T) + 0.5) / T).repeat(KEPT).double()
    made.remember(u, losses.repeat(KEPT))
    return made


def test_levels_are_chosen_alike_until_each_has_ten_losses() -> None:
    made = Importance(4)
    u = torch.linspace(0.01, 0.99, 99, dtype=torch.double)
    for _ in range(KEPT - 1):
        made.remember(torch.tensor([0.1, 0.3, 0.6, 0.9]).double(), torch.tensor([1.0, 2.0, 3.0, 4.0]))
    torch.testing.assert_close(made(u).u, u)
    assert torch.equal(made(u).weight, torch.ones(99, dtype=torch.double))


def test_the_shares_are_the_published_ones() -> None:
    made = Importance(3)
    losses = torch.rand(KEPT, 3, dtype=torch.double)
    for row in losses:
        made.remember(torch.tensor([0.1, 0.5, 0.9]).double(), row)
    p = losses.square().mean(0).sqrt()
    torch.testing.assert_close(made.probabilities(), (1 - UNIFORM) * p / p.sum() + UNIFORM / 3)
    assert torch.equal(made(torch.tensor([1e-9, 1 - 1e-9]).double()).u.mul(3).long(), torch.tensor([0, 2]))


def test_the_weighted_expectation_is_that_of_uniform_levels() -> None:
    """(2), by evenly spread numbers, for a function that also varies within the shares of the levels."""
    made = taught(torch.tensor([0.1, 1.0, 20.0, 3.0, 0.0]))
    u = (torch.arange(2_000_000).double() + 0.5) / 2_000_000
    found = made(u)
    for f in (torch.square, torch.exp, lambda u: (5 * u).floor()):
        assert float((found.weight * f(found.u)).mean()) == pytest.approx(float(f(u).mean()), rel=1e-4)
    share = torch.bincount((found.u * 5).long(), minlength=5) / len(u)
    torch.testing.assert_close(share.double(), made.probabilities(), rtol=1e-3, atol=1e-5)


def test_the_variance_of_the_loss_falls() -> None:
    losses = torch.tensor([0.1, 1.0, 20.0, 3.0])
    made, u = taught(losses), torch.rand(20_000, dtype=torch.double)
    found = made(u)
    weighted = found.weight * losses[(found.u * 4).long()]
    assert float(weighted.var()) < 1e-3 * float(losses[(u * 4).long()].var())


def test_only_the_last_ten_losses_count_however_they_come() -> None:
    one, other, torch_u = Importance(2), Importance(2), torch.tensor([0.2, 0.7]).double()
    losses = torch.rand(37, dtype=torch.double)
    one.remember(torch_u[0].expand(37), losses)
    for loss in losses:
        other.remember(torch_u[:1], loss[None])
    assert torch.equal(one.losses, other.losses)
    assert torch.equal(one.losses[0].sort().values, losses[-KEPT:].sort().values)
    assert int(one.count[0]) == 37
    assert int(one.count[1]) == 0


def test_what_it_remembers_is_state() -> None:
    made, other = taught(torch.rand(4)), Importance(4)
    other.load_state_dict(made.state_dict())
    assert torch.equal(other.probabilities(), made.probabilities())
    with pytest.raises(InputError, match="0 levels"):
        Importance(0)
