"""ReLIC's terms: contrast alone without the penalty, zero where views agree, never below, and what partitions do."""

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from likeness import ranks
from likeness.errors import InputError
from likeness.lockstep import lockstep
from likeness.represent.contrast import between
from likeness.represent.invariance import divergence, invariance, relic, resemblance
from likeness.represent.sphere import normalise


def pair(n: int = 6, d: int = 4) -> tuple[Tensor, Tensor]:
    x = torch.randn(n, d, dtype=torch.float64)
    return normalise(x), normalise(x + 0.5 * torch.randn(n, d, dtype=torch.float64))


def test_the_contrast_is_info_nce_in_both_directions() -> None:
    z1, z2 = pair()
    contrast, _ = relic(z1, z2, z1, z2, tau=0.2)
    torch.testing.assert_close(contrast, between(z1, z2, tau=0.2) + between(z2, z1, tau=0.2), rtol=0, atol=1e-12)


def test_the_penalty_is_zero_where_similarities_are_symmetric_and_only_there() -> None:
    z1, z2 = pair()
    for other in (z1, z1 @ torch.diag(torch.tensor([1.0, -1.0, 1.0, -1.0], dtype=torch.float64))):
        S = z1 @ other.T
        torch.testing.assert_close(S, S.T)
        assert float(relic(z1, other, z1, other)[1].abs().max()) < 1e-12
    S = z1 @ z2.T
    assert not torch.allclose(S, S.T)
    for symmetric in (True, False):
        assert float(relic(z1, z2, z1, z2, symmetric=symmetric)[1].min()) > 1e-6


@pytest.mark.parametrize("symmetric", [True, False])
def test_the_penalty_is_never_below_zero(symmetric: bool) -> None:
    for seed in range(50):
        torch.manual_seed(seed)
        z1, z2 = pair(5, 2)
        assert float(relic(z1, z2, z2, z1, tau=0.1, symmetric=symmetric)[1].min()) >= 0


def test_the_penalty_is_a_divergence_by_hand() -> None:
    z1, z2 = pair(3)
    p, q = ((a @ b.T / 0.2).exp() for a, b in ((z1, z2), (z2, z1)))
    p, q = p / p.sum(1, keepdim=True), q / q.sum(1, keepdim=True)
    one = (p * (p / q).log()).sum(1)
    torch.testing.assert_close(relic(z1, z2, z1, z2, symmetric=False)[1], one)
    torch.testing.assert_close(relic(z1, z2, z1, z2)[1], one + (q * (q / p).log()).sum(1))


def test_a_batch_in_another_order() -> None:
    (z1, z2), order = pair(8), torch.randperm(8)
    for found, there in zip(relic(z1[order], z2[order], z1[order], z2[order]), relic(z1, z2, z1, z2)):
        torch.testing.assert_close(found, there[order])


@pytest.mark.parametrize("symmetric", [True, False])
def test_slopes_are_those_of_finite_differences(symmetric: bool) -> None:
    x, y = (torch.randn(4, 3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    fixed = pair(4, 3)

    def loss(x: Tensor, y: Tensor) -> Tensor:
        z1, z2 = normalise(x), normalise(y)
        contrast, penalty = relic(z1, z2, *fixed, symmetric=True)
        return contrast + penalty

    assert gradcheck(loss, (x, y))
    log_p, log_q = (a.detach().log_softmax(1).requires_grad_() for a in (x, y))
    invariance(log_p, log_q, symmetric=symmetric).sum().backward()
    assert (log_p.grad is not None) == symmetric, "in one direction the target is a constant"


def test_what_is_invariant_for_a_partition_is_so_for_a_coarser_one() -> None:
    """The paper's theorem, and why: merging outcomes makes no divergence larger."""
    z1, z2 = pair(12)
    log_p, log_q = resemblance(z1, z2, tau=0.2), resemblance(z2, z1, tau=0.2)
    fine = divergence(log_p, log_q)
    for classes in (1, 2, 3, 6):
        member = torch.eye(classes, dtype=torch.float64)[torch.arange(12) % classes]
        coarse = divergence((log_p.exp() @ member).log(), (log_q.exp() @ member).log())
        assert bool((coarse <= fine + 1e-12).all())
        same = divergence((log_p.exp() @ member).log(), (log_p.exp() @ member).log())
        assert float(same.abs().max()) == 0
    assert float(coarse.mean()) > 0.01 * float(fine.mean())


@pytest.mark.parametrize("size", [2, 3])
def test_processes_find_the_values_and_slopes_of_the_whole(size: int) -> None:
    x, y, W = (torch.randn(*s, dtype=torch.float64) for s in ((7, 5), (7, 5), (5, 4)))

    def loss(x: Tensor, y: Tensor, W: Tensor) -> Tensor:
        z1, z2 = normalise(x @ W), normalise(y @ W)
        return sum(relic(z1, z2, z1, z2))

    whole = W.clone().requires_grad_()
    values = loss(x, y, whole)
    values.mean().backward()

    def work(rank: int) -> tuple[Tensor, Tensor]:
        part, w = ranks.world().part(7), W.clone().requires_grad_()
        mine = slice(part.start, part.start + part.n)
        with ranks.holding(part):
            found = loss(x[mine], y[mine], w)
            (found.mean() * part.weight).backward()
        return found, w.grad

    found = lockstep(size, work)
    torch.testing.assert_close(torch.cat([v for v, _ in found]), values, rtol=0, atol=1e-10)
    torch.testing.assert_close(sum(g for _, g in found), whole.grad, rtol=0, atol=1e-10)


def test_bad_input_is_said_in_one_line() -> None:
    z1, z2 = pair()
    with pytest.raises(InputError, match="normalise first"):
        relic(z1, 2 * z2, z1, z2)
    with pytest.raises(InputError, match="batch of 1"):
        relic(z1[:1], z2[:1], z1[:1], z2[:1])
    with pytest.raises(InputError, match="temperature"):
        relic(z1, z2, z1, z2, tau=0.0)
