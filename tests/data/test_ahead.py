import threading

import pytest
import torch

from likeness.data.ahead import ahead, moved, on_device
from likeness.data.batch import Batch


def test_one_piece_is_prepared_ahead_and_no_more() -> None:
    made = []

    def pieces():
        for i in range(10):
            made.append((i, threading.current_thread() is threading.main_thread()))
            yield i

    found = ahead(pieces())
    assert [next(found), next(found)] == [0, 1]
    found.close()  # waits for the thread
    assert made == [(i, False) for i in range(3)]
    assert list(ahead(iter([]))) == []
    assert list(ahead(iter([None, 1]))) == [None, 1]


def test_a_failure_comes_after_the_pieces_before_it() -> None:
    def pieces():
        yield 1
        raise OSError("gone")

    found = ahead(pieces())
    assert next(found) == 1
    with pytest.raises(OSError, match="gone"):
        next(found)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(
    not torch.cuda.is_available(), reason="needs a GPU"))])  # fmt: skip
def test_batches_and_their_places_arrive_on_the_device(device: str) -> None:
    pairs = [(Batch(torch.full((64, 1000), float(i)), torch.tensor([i] * 64)), {"batches": i}) for i in range(20)]
    for i, (batch, place) in enumerate(on_device(iter(pairs), torch.device(device))):
        assert batch.x.device.type == batch.y.device.type == device
        assert batch.index is None
        assert place == {"batches": i}
        assert float(batch.x.sum()) == 64_000 * i
    assert moved(pairs[0][0], torch.device(device)).x.device.type == device
