from collections.abc import Iterator
from functools import partial
from io import BytesIO
from itertools import islice

import numpy as np
import pytest
import torch
from PIL import Image

from likeness.data import stream as streams
from likeness.data.batching import batches, whole
from likeness.data.dataset import Options
from likeness.data.encoded import Entry
from likeness.data.stream import Stream, stream
from likeness.errors import InputError


def png(shade: int, side: int = 4) -> bytes:
    file = BytesIO()
    Image.new("L", (side, side), shade).save(file, "PNG")
    return file.getvalue()


class Shades:
    """A feed of plain squares, whose label is their shade."""

    def __init__(self, contents: list[bytes], length: int | None = None) -> None:
        self.contents, self.length = contents, length

    def entries(self, skip: int = 0, seed: int | None = None) -> Iterator[Entry]:
        order = range(skip, len(self.contents))
        places = order if seed is None else [order[i] for i in np.random.default_rng(seed).permutation(len(order))]
        return (Entry(f"shade {i}", partial(BytesIO, self.contents[i]), "train", i) for i in places)


@pytest.fixture(autouse=True)
def _few_held(monkeypatch) -> None:
    monkeypatch.setattr(streams, "HELD", {"test": 3, "validation": 2})


def made(contents: list[bytes], *, classes: tuple[str, ...] = ("a", "b"), **options) -> Stream:
    return stream("shades", {"train": Shades(contents)}, classes, Options(stream=True, **options)).train


def test_official_parts_are_held_and_training_loses_nothing_but_their_copies() -> None:
    feeds = {
        "train": Shades([png(i) for i in range(20)], length=20),
        "test": Shades([png(5), png(100)]),
        "validation": Shades([png(100), png(101)]),
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
