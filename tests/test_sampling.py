"""Random numbers belong to the sample: any partition into batches gives the same draws."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor

from likeness.errors import InputError
from likeness.lockstep import lockstep
from likeness.sampling import Rows, Streams, draw, draw_batches, mapped, streams


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**62), n=st.integers(1, 40), cut=st.integers(0, 40), d=st.integers(1, 19))
def test_a_stream_belongs_to_its_sample(seed: int, n: int, cut: int, d: int) -> None:
    cut = min(cut, n)
    for kind in ("normal", "uniform"):
        whole = getattr(Streams(seed), kind)(n, d)
        parts = [getattr(Streams(seed), kind)(cut, d), getattr(Streams(seed, cut), kind)(n - cut, d)]
        assert torch.equal(whole, torch.cat(parts))


def test_the_laws_are_right() -> None:
    s = Streams(0)
    assert stats.kstest(s.normal(20000, 3).flatten().numpy(), "norm").pvalue > 0.001
    u = s.uniform(20000, 3)
    assert stats.kstest(u.flatten().numpy(), "uniform").pvalue > 0.001
    assert u.min() > 0
    assert u.max() < 1
    counts = torch.bincount(s.integers(60000, 6), minlength=6)
    assert stats.chisquare(counts.numpy()).pvalue > 0.001


def test_uniform_never_reaches_its_ends() -> None:
    words = torch.tensor([0, 2**32 - 1])

    class Extreme(Streams):
        def _words(self, n: int, size: int) -> Tensor:
            return words[:, None].expand(-1, size)

    assert Extreme(0).uniform(2, 1).flatten().tolist() == [2.0**-24, 1 - 2.0**-24]
    assert Extreme(0).normal(2, 1).isfinite().all()


def test_calls_names_and_samples_are_independent() -> None:
    s = Streams(1)
    a, b = s.normal(5000, 1), s.normal(5000, 1)
    c, d = Streams(1).split("other").normal(5000, 1), Streams(2).normal(5000, 1)
    table = torch.cat([a, b, c, d, Streams(1).split("other", 3).normal(5000, 1)], 1)
    correlation = torch.corrcoef(table.T) - torch.eye(5)
    assert correlation.abs().max() < 0.06
    assert torch.corrcoef(torch.cat([a[:-1], a[1:]], 1).T)[0, 1].abs() < 0.06


def test_without_a_seed_torch_decides() -> None:
    torch.manual_seed(4)
    a = streams(None).normal(3, 2)
    torch.manual_seed(4)
    assert torch.equal(a, streams(None).normal(3, 2))


def test_draw_is_the_same_in_any_batch_size() -> None:
    def sample(n: int, *, generator: int | Streams | None = None) -> Tensor:
        s = streams(generator)
        return s.normal(n, 2) + s.uniform(n, 2)

    x = draw(sample, 100, generator=8)
    assert torch.equal(x, draw(sample, 100, generator=8, batch_size=7))
    assert torch.equal(x[:30], draw(sample, 30, generator=8))
    told: list[tuple[int, int]] = []
    assert torch.equal(x, draw(sample, 100, generator=8, batch_size=40, told=lambda *done: told.append(done)))
    assert told == [(40, 100), (80, 100), (100, 100)]
    with pytest.raises(InputError, match="cannot draw 0 samples"):
        draw(sample, 0)


def test_rows_are_handed_out_once_and_in_order() -> None:
    rows = Rows(torch.arange(10.0)[:, None])
    assert draw(rows, 10, generator=0, batch_size=3).flatten().tolist() == list(range(10))
    with pytest.raises(InputError, match="holds 10 samples, 11 were asked for"):
        draw(rows, 11, generator=0, batch_size=3)


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_processes_share_the_batches_and_draw_what_one_draws(processes: int) -> None:
    network = torch.nn.Linear(6, 5)
    asked = []

    def sample(n: int, *, generator: int | Streams | None = None) -> Tensor:
        asked.append(n)
        return network(streams(generator).normal(n, 6)).tanh()

    alone = list(draw_batches(sample, 103, generator=5, batch_size=10))
    assert asked == [10] * 10 + [3]
    asked.clear()
    every = lockstep(processes, lambda rank: list(draw_batches(sample, 103, generator=5, batch_size=10)))
    assert sorted(asked) == [3] + [10] * 10
    for batches in every:
        assert all(torch.equal(a, b) for a, b in zip(alone, batches, strict=True))
        assert not batches[0].requires_grad


def test_without_a_seed_processes_agree_on_one() -> None:
    def work(rank: int) -> Tensor:
        torch.manual_seed(rank)
        return draw(lambda n, generator=None: streams(generator).normal(n, 2), 9, batch_size=2)

    a, b, c = lockstep(3, work)
    assert torch.equal(a, b)
    assert torch.equal(b, c)


def test_a_mapped_sampler_maps_what_any_sampler_draws() -> None:
    rows = torch.arange(10.0)[:, None]
    for inner in (Rows(rows), lambda n, generator=None: rows[generator.first :][:n]):
        x, y = lockstep(2, lambda rank, inner=inner: draw(mapped(inner, torch.neg), 10, generator=0, batch_size=3))
        assert torch.equal(x, -rows)
        assert torch.equal(y, -rows)


def test_while_batches_are_taken_gradients_are_as_they_were() -> None:
    for _ in draw_batches(lambda n, generator=None: torch.zeros(n, 1), 4, generator=0, batch_size=2):
        assert torch.is_grad_enabled()
