from collections.abc import Iterator
from functools import partial
from io import BytesIO
from itertools import islice

import pytest
import torch
from PIL import Image

from likeness.data import stream as streams
from likeness.data.batching import batches, whole
from likeness.data.dataset import Options
from likeness.data.encoded import Entry
from likeness.data.order import Feed
from likeness.data.stream import Stream, stream
from likeness.errors import InputError
from likeness.lockstep import lockstep


def png(shade: int, side: int = 4) -> bytes:
    file = BytesIO()
    Image.new("L", (side, side), shade).save(file, "PNG")
    return file.getvalue()


class Shades:
    """A shard of plain squares, whose label is their shade; it does not say how many."""

    length: int | None = None

    def __init__(self, contents: list[bytes], name: str = "shades", first: int = 0) -> None:
        self.contents, self.name, self.first = contents, name, first

    def entries(self, skip: int = 0) -> Iterator[Entry]:
        places = range(skip, len(self.contents))
        return (Entry(f"shade {i}", partial(BytesIO, self.contents[i]), "train", self.first + i) for i in places)


class Counted(Shades):
    """One that does."""

    @property
    def length(self) -> int:
        return len(self.contents)


def feed(contents: list[bytes], length: int | None = None) -> Feed:
    return Feed((Shades(contents),), length)


@pytest.fixture(autouse=True)
def _few_held(monkeypatch) -> None:
    monkeypatch.setattr(streams, "HELD", {"test": 3, "validation": 2})


def made(contents: list[bytes], *, classes: tuple[str, ...] = ("a", "b"), **options) -> Stream:
    return stream("shades", {"train": feed(contents)}, classes, Options(stream=True, **options)).train


def test_official_parts_are_held_and_training_loses_nothing_but_their_copies() -> None:
    feeds = {
        "train": feed([png(i) for i in range(20)], length=20),
        "test": feed([png(5), png(100)]),
        "validation": feed([png(100), png(101)]),
    }
    data = stream("shades", feeds, (), Options(stream=True))
    assert (len(data.train), len(data.validation), len(data.test)) == (20, 1, 2)
    assert data.train.first(30).x.shape == (19, 1, 4, 4)


def test_images_keep_their_labels_through_shuffling() -> None:
    train = made([png(i) for i in range(50)])
    for batch in islice(train.batches(8, seed=1), 12):
        assert torch.equal(((batch.x[:, 0, 0, 0] + 1) * 127.5).round().long(), batch.y)
    assert whole(train, 4).y.tolist() == [5, 6, 7, 8]


def test_a_run_that_stopped_continues_as_if_it_had_not() -> None:
    train = made([png(i) for i in range(30)])
    full = [b.y.tolist() for b in batches(train, 4, seed=3, steps=10)]
    assert [b.y.tolist() for b in batches(train, 4, seed=3, steps=3, start=7)] == full[7:]


def test_broken_images_stop_the_stream_or_are_passed_over() -> None:
    contents = [png(i) for i in range(20)]
    contents[9] = b"broken"
    with pytest.raises(InputError, match=r"shade 9 \(no image\)"):
        whole(made(contents), 10)
    assert whole(made(contents, skip_broken=True), 10).y.tolist() == [5, 6, 7, 8, *range(10, 16)]


def test_sizes_that_differ_need_a_rule() -> None:
    contents = [*(png(i) for i in range(10)), png(11, side=6)]
    with pytest.raises(InputError, match="shade 10 has shape"):
        whole(made(contents), 10)
    assert whole(made(contents, size=8), 6).x.shape == (6, 1, 8, 8)


def test_what_a_stream_cannot_do_is_said() -> None:
    train = made([png(i) for i in range(10)])
    with pytest.raises(InputError, match="does not say how many"):
        len(train)
    with pytest.raises(InputError, match="no places"):
        train[torch.arange(2)]
    with pytest.raises(InputError, match="cannot be held whole"):
        whole(train)
    with pytest.raises(InputError, match="batch size 6"):
        next(batches(train, 6))
    with pytest.raises(InputError, match="limit 3"):
        made([png(1)], limit=3)
    with pytest.raises(InputError, match="too few images"):
        made([png(i) for i in range(3)])


def test_the_state_is_that_of_the_last_batch_handed_out() -> None:
    contents = [png(i) for i in range(60)]
    contents[20] = contents[2]  # a copy of a held-out one
    train = made(contents)
    found = batches(train, 4, seed=3)
    assert found.state_dict() == {"epoch": 0, "entries": 0}
    taken = [next(found).y.tolist() for _ in range(13)]
    assert found.state_dict()["epoch"] == 0
    assert 52 <= found.state_dict()["entries"] <= 53
    more = [next(found).y.tolist() for _ in range(13)]
    assert found.state_dict()["epoch"] == 1
    assert [b.y.tolist() for b in batches(train, 4, seed=3, state={"epoch": 0, "entries": 0}, steps=13)] == taken
    assert [b.y.tolist() for b in batches(train, 4, seed=3, steps=13, start=13)] == more
    with pytest.raises(InputError, match="a place in the data of batches was given"):
        batches(train, 4, state={"batches": 3})


def test_a_process_that_never_has_a_batch_says_so() -> None:
    shards = Feed((Counted([png(i) for i in range(20)]), Counted([png(100 + i) for i in range(2)])), 22)
    train = stream("shades", {"train": shards}, (), Options(stream=True)).train
    assert len(train) == 17
    with pytest.raises(InputError, match=r"batch size of process [01], 3 samples, exceeds its part"):
        lockstep(2, lambda rank: next(batches(train, 6)))


def test_little_is_held_out_of_a_little_source(monkeypatch) -> None:
    monkeypatch.setattr(streams, "HELD", {"test": 2000, "validation": 1000})
    data = stream("shades", {"train": feed([png(i) for i in range(50)], 50)}, (), Options(stream=True))
    assert (len(data.test), len(data.validation), len(data.train)) == (10, 4, 36)
    monkeypatch.setattr(streams, "HELD", {"test": 40, "validation": 10})
    with pytest.raises(InputError, match="no samples left"):
        stream("shades", {"train": feed([png(i) for i in range(50)])}, (), Options(stream=True)).train.first(3)
