from functools import partial
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from likeness.data import encoded
from likeness.data.batching import batches, whole
from likeness.data.dataset import Options
from likeness.data.encoded import Entry, OnDemand, pictures, read
from likeness.data.memory import InMemory
from likeness.errors import InputError


def png(x: np.ndarray) -> bytes:
    file = BytesIO()
    Image.fromarray(x).save(file, "PNG")
    return file.getvalue()


def entries(n: int = 20, side: int = 6) -> list[Entry]:
    images = np.random.default_rng(0).integers(0, 256, (n, side, side, 3), dtype=np.uint8)
    return [entry(i, png(x)) for i, x in enumerate(images)]


def entry(i: int, content: bytes, label: int = 0) -> Entry:
    return Entry(f"{i}.png", partial(BytesIO, content), "train", label or i % 2)


def test_decoding_on_demand_gives_what_lies_in_memory() -> None:
    held, streamed = (pictures("made", entries(), ("a", "b"), Options(stream=stream)) for stream in (False, True))
    assert isinstance(held.train, InMemory)
    assert isinstance(streamed.train, OnDemand)
    assert held.fingerprint == streamed.fingerprint
    for a, b in zip(batches(held.train, 4, steps=5), batches(streamed.train, 4, steps=5), strict=True):
        assert torch.equal(a.x, b.x)
        assert torch.equal(a.y, b.y)
        assert torch.equal(a.index, b.index)


def test_more_bytes_than_the_threshold_are_decoded_on_demand(monkeypatch) -> None:
    monkeypatch.setattr(encoded, "RESIDENT_BYTES", 20 * 3 * 36 - 1)
    assert isinstance(read(entries(), Options())[0], OnDemand)
    monkeypatch.setattr(encoded, "RESIDENT_BYTES", 20 * 3 * 36)
    assert isinstance(read(entries(), Options())[0], InMemory)


@pytest.mark.parametrize("stream", [False, True])
def test_broken_images_are_named_and_counted_or_skipped_on_request(stream: bool) -> None:
    some = entries()
    some[3] = entry(3, some[3].open().read()[:60])
    some[7] = entry(7, b"not an image")
    with pytest.raises(InputError, match=r"broken image 3\.png .*2 of 20 .*--skip-broken"):
        read(some, Options(stream=stream))
    split, good, (note,) = read(some, Options(skip_broken=True, stream=stream), labelled=True)
    assert good.tolist() == [i for i in range(20) if i not in (3, 7)]
    assert note.code == "broken-files"
    assert "2 of 20" in note.saw
    assert "3.png" in note.saw
    assert "7.png (no image)" in note.saw
    assert whole(split).y.tolist() == [i % 2 for i in good]


def test_nothing_but_broken_images_is_an_error_even_when_they_may_be_skipped() -> None:
    for content in (b"", png(np.zeros((64, 64, 3), np.uint8))[:60]):
        with pytest.raises(InputError, match="2 of 2"):
            read([entry(0, content), entry(1, content)], Options(skip_broken=True))


def test_sizes_that_differ_need_a_rule() -> None:
    mixed = [*entries(3, 6), *(e._replace(name=f"large-{e.name}") for e in entries(3, 9))]
    with pytest.raises(InputError, match=r"0\.png is 6 × 6, large-0\.png is 9 × 9 pixels.*--size"):
        read(mixed, Options())
    assert read(mixed, Options(size=8))[0].event == (3, 8, 8)


def test_one_colour_image_makes_all_of_them_colour() -> None:
    grey = [entry(i, png(np.full((6, 6), 9 * i, np.uint8))) for i in range(3)]
    assert read(grey, Options())[0].event == (1, 6, 6)
    assert read([*grey, *entries(1)], Options())[0].event == (3, 6, 6)
    assert read(entries(3), Options(channels=1))[0].event == (1, 6, 6)


def test_the_same_picture_in_another_file_counts_as_a_copy() -> None:
    x = np.random.default_rng(1).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    file = BytesIO()
    Image.fromarray(x).save(file, "BMP")
    hashes = read([entry(0, png(x)), entry(1, file.getvalue())], Options())[0].digests
    assert hashes[0] == hashes[1]


def test_progress_is_told_until_all_is_done() -> None:
    told = []
    read(entries(), Options(progress=lambda done, total: told.append((done, total))))
    assert told[-1] == (20, 20)
