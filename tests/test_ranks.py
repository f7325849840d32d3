"""Parts of a batch: their weights, their noise, and gradients through what looks at all of them."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from likeness import ranks
from likeness.data.batch import Batch
from likeness.errors import InputError
from likeness.gradients import reduced
from likeness.lockstep import lockstep
from likeness.nn.blocks import BatchNorm2d, MinibatchStd


def parts(n: int, size: int, work, x: Tensor) -> list:
    """`work(rows)` by every process on its part of `x`."""

    def play(rank: int):
        part = ranks.world().part(n)
        with ranks.holding(part):
            return work(x[part.start : part.start + part.n], part)

    return lockstep(size, play)


@given(n=st.integers(0, 1000), size=st.integers(1, 9))
@settings(deadline=None)
def test_parts_cover_the_batch_in_order(n: int, size: int) -> None:
    world = ranks.World()
    world.size, found = size, []
    for world.rank in range(size):
        found.append(world.part(n))
    assert [i for p in found for i in range(p.start, p.start + p.n)] == list(range(n))
    assert max(p.n for p in found) - min(p.n for p in found) <= 1


@pytest.mark.parametrize("size", [2, 3])
def test_noise_belongs_to_its_sample(size: int) -> None:
    torch.manual_seed(4)
    whole = torch.randn(14, 3)
    torch.manual_seed(4)
    found = parts(7, size, lambda x, p: ranks.per_sample(2 * len(x), lambda n: torch.randn(n, 3)), torch.zeros(7, 1))
    assert torch.equal(torch.cat(found), whole)


def test_alone_noise_is_torchs_own() -> None:
    torch.manual_seed(1)
    a = ranks.noise_like(torch.zeros(3, 2))
    torch.manual_seed(1)
    assert torch.equal(a, torch.randn(3, 2))


def test_noise_for_a_part_of_a_sample_is_refused() -> None:
    with ranks.holding(ranks.Part(0, 2, 4)), pytest.raises(InputError, match="3 rows"):
        ranks.per_sample(3, torch.randn)


def loss(h: Tensor) -> Tensor:
    """Looks at all pairs and at the mean: nothing that a mean over parts would give."""
    every = ranks.gather(h)
    pairs = (h @ every.T).logsumexp(1).mean()
    return pairs + ranks.batch_mean(h).square().sum() + h.square().mean()


@pytest.mark.parametrize("size", [2, 3])
def test_gradients_through_gather_and_mean_are_those_of_the_whole(size: int) -> None:
    x, W = torch.randn(7, 4, dtype=torch.float64), torch.randn(4, 3, dtype=torch.float64)
    whole = W.clone().requires_grad_()
    loss(torch.tanh(x @ whole)).backward()

    def work(rows: Tensor, part: ranks.Part) -> Tensor:
        w = W.clone().requires_grad_()
        (loss(torch.tanh(rows @ w)) * part.weight).backward()
        reduced([w.grad])
        return w.grad

    for g in parts(7, size, work, x):
        torch.testing.assert_close(g, whole.grad)


@pytest.mark.parametrize("size", [2, 3])
def test_second_derivatives_too(size: int) -> None:
    x, W = torch.randn(5, 3, dtype=torch.float64), torch.randn(3, 2, dtype=torch.float64)

    def slope(rows: Tensor, w: Tensor) -> Tensor:
        rows = rows.clone().requires_grad_()
        h = torch.tanh(rows @ w)
        s = (h - ranks.batch_mean(h)).square().sum() / len(ranks.gather(h))
        (g,) = torch.autograd.grad(s, rows, create_graph=True)
        return g.square().sum(1).mean()

    whole = W.clone().requires_grad_()
    rows = x.clone().requires_grad_()
    h = torch.tanh(rows @ whole)
    s = (h - h.mean(0)).square().sum() / 5
    (g,) = torch.autograd.grad(s, rows, create_graph=True)
    g.square().sum(1).mean().backward()

    def work(rows: Tensor, part: ranks.Part) -> Tensor:
        w = W.clone().requires_grad_()
        rows = rows.clone().requires_grad_()
        h = torch.tanh(rows @ w)
        s = (h - ranks.batch_mean(h)).square().sum() / 5
        (g,) = torch.autograd.grad(s, rows, create_graph=True)
        (g.square().sum(1).mean() * part.weight).backward()
        reduced([w.grad])
        return w.grad

    for found in parts(5, size, work, x):
        torch.testing.assert_close(found, whole.grad)


@pytest.mark.parametrize("layer", [lambda: BatchNorm2d(3), MinibatchStd])
def test_statistics_of_the_batch_are_those_of_the_whole(layer) -> None:
    x, (a, *others) = torch.randn(6, 3, 4, 4), [layer().train() for _ in range(3)]
    whole = a(x)
    torch.manual_seed(0)
    found = parts(6, 2, lambda rows, p: others[ranks.world().rank](rows), x)
    torch.testing.assert_close(torch.cat(found), whole)
    for other in others:
        for mine, theirs in zip(other.buffers(), a.buffers(), strict=True):
            torch.testing.assert_close(mine, theirs)


def test_what_looks_at_the_whole_batch_cannot_be_accumulated() -> None:
    with ranks.holding(ranks.Part(0, 2, 4)), pytest.raises(InputError, match="whole batch"):
        BatchNorm2d(1).train()(torch.randn(2, 1, 2, 2))


def test_a_batch_is_cut_in_every_form() -> None:
    x, y = torch.arange(6), torch.arange(6) * 10
    assert torch.equal(ranks.rows(Batch(x, y), 2, 4).y, torch.tensor([20, 30]))
    assert ranks.rows(Batch(x), 2, 4).y is None
    found = ranks.rows({"a": (x, [y, 3])}, 1, 2)
    assert found["a"][0].tolist() == [1]
    assert found["a"][1][1] == 3
    assert ranks.length({"a": (None, [x])}) == 6
    with pytest.raises(InputError, match="no tensor"):
        ranks.length({"a": 3})


def test_pieces_are_parts_of_the_batch_and_the_last_ends_it() -> None:
    found = ranks.pieces(Batch(torch.arange(5)), 2)
    assert [p for p, _ in found] == [ranks.Part(0, 2, 5, False), ranks.Part(2, 3, 5, True)]
    assert ranks.pieces(Batch(torch.arange(5)), 1)[0][0] is None
    with pytest.raises(InputError, match="accumulate 6"):
        ranks.pieces(Batch(torch.arange(5)), 6)


def test_a_wrong_share_of_the_batch_is_refused() -> None:
    def play(rank: int) -> None:
        ranks.world().part_of(3 if rank else 5)

    with pytest.raises(InputError, match="a batch of 8"):
        lockstep(2, play)


def test_the_part_at_hand_is_known_within_and_not_after() -> None:
    part = ranks.Part(0, 2, 4)
    with ranks.holding(part):
        assert ranks.held() is part
    assert ranks.held() is None
