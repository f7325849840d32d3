import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from likeness.data.memory import InMemory, digests, from_uint8, to_uint8

LEVELS = torch.arange(256, dtype=torch.uint8)


def test_bytes_to_floats_and_back_lose_nothing_and_reach_both_ends() -> None:
    x = from_uint8(LEVELS)
    assert (float(x[0]), float(x[-1])) == (-1.0, 1.0)
    torch.testing.assert_close(x, LEVELS / 127.5 - 1)
    assert torch.equal(to_uint8(x), LEVELS)
    assert torch.equal(to_uint8(torch.tensor([-7.0, 7.0])), torch.tensor([0, 255], dtype=torch.uint8))


@given(st.lists(st.integers(0, 19), min_size=1, max_size=30), st.lists(st.integers(0, 99), min_size=1, max_size=9))
def test_a_split_of_a_split_is_indexing_twice(rows: list[int], index: list[int]) -> None:
    x, y = torch.randn(20, 2, 3), torch.arange(20)
    split = InMemory(x, y, factors={"twice": 2 * y}).take(np.array(rows))
    places = torch.tensor(index) % len(split)
    batch = split[places]
    assert torch.equal(batch.x, x[rows][places])
    assert torch.equal(batch.y, y[rows][places])
    assert torch.equal(batch.index, places)
    assert torch.equal(split.factors["twice"], 2 * torch.tensor(rows))
    assert torch.equal(split.to(torch.device("cpu"))[places].x, batch.x)


def test_floats_are_handed_out_as_they_are_and_bytes_as_images() -> None:
    assert torch.equal(InMemory(torch.full((3, 2), 7.0))[torch.tensor([1])].x, torch.tensor([[7.0, 7.0]]))
    assert InMemory(LEVELS.reshape(16, 1, 4, 4))[torch.arange(16)].x.max() == 1


def test_indexing_does_not_change_what_lies_in_memory() -> None:
    split = InMemory(torch.zeros(4, 2))
    split[torch.arange(4)].x.add_(1)
    assert split[torch.arange(4)].x.sum() == 0


def test_digests_tell_rows_apart_and_know_copies() -> None:
    x = torch.randint(256, (50, 1, 8, 8), dtype=torch.uint8)
    split = InMemory(x).take(np.array([3, 4, 3]))
    assert len(np.unique(digests(x.numpy()))) == 50
    assert split.digests[0] == split.digests[2] != split.digests[1]
    assert split.digests[1] == digests(x.numpy())[4]


def test_digests_are_inherited_as_they_would_be_computed() -> None:
    whole = InMemory(torch.randn(2000, 3))
    before, places = whole.take(np.arange(0, 2000, 3)).digests, np.arange(0, 2000, 3)
    assert len(whole.digests) == 2000
    assert np.array_equal(whole.take(places).digests, before)
    assert len(whole.take(np.zeros(0, np.int64)).digests) == 0
