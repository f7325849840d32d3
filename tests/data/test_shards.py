"""Folders of shards, made here, are read as streams: shared by processes, shuffled, and gone on with anywhere."""

import io
import json
import tarfile
from collections.abc import Callable
from io import BytesIO
from itertools import chain, islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pyarrow import parquet

from likeness.data import Dataset, batches, load, order, stream, whole
from likeness.data.parquet_shard import ParquetShard
from likeness.data.tar_shard import TarShard
from likeness.errors import InputError
from likeness.lockstep import lockstep

BROKEN, COPIES = {33}, {41: 2, 57: 11}  # 57 has the pixels of 11, and so on


def png(i: int) -> bytes:
    file = BytesIO()
    Image.fromarray(np.random.default_rng(i).integers(0, 256, (4, 4), dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


def content(i: int) -> bytes:
    return b"broken" if i in BROKEN else png(COPIES.get(i, i))


def tar(path: Path, numbers: range, content: Callable[[int], bytes] = png, **more: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as file:
        for i in numbers:
            members = {"png": content(i), "cls": str(i).encode(), **more}
            for kind, told in members.items():
                info = tarfile.TarInfo(f"{i:05d}.{kind}")
                info.size = len(told)
                file.addfile(info, io.BytesIO(told))


def table(path: Path, numbers: range, content: Callable[[int], bytes] = png) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = pa.array([{"bytes": content(i), "path": None} for i in numbers], pa.struct({"bytes": pa.binary()}))
    parquet.write_table(pa.table({"image": cells, "label": pa.array(numbers, pa.int64())}), path, row_group_size=8)


WRITERS = {".tar": tar, ".parquet": table}


@pytest.fixture(autouse=True)
def _small(monkeypatch) -> None:
    monkeypatch.setattr(order, "BUFFER", 7)
    monkeypatch.setattr(stream, "HELD", {"test": 6, "validation": 4})


@pytest.fixture(scope="module", params=[".tar", ".parquet"])
def folder(request, tmp_path_factory) -> Path:
    """80 images in five shards of unlike size, one of them empty; one is broken, two are copies of held-out ones."""
    path = tmp_path_factory.mktemp("set")
    for i, (start, stop) in enumerate([(0, 25), (25, 30), (30, 30), (30, 62), (62, 80)]):
        WRITERS[request.param](path / f"shard-{i:06d}{request.param}", range(start, stop), content)
    return path


def read(folder: Path) -> Dataset:
    return load(folder, skip_broken=True)


def test_a_folder_of_shards_is_streamed_without_being_asked(folder: Path) -> None:
    data = read(folder)
    assert (data.kind, data.event, len(data.classes)) == ("images", (1, 4, 4), 80)
    assert (len(data.test), len(data.validation), len(data.train)) == (6, 4, 70)
    assert sorted(whole(data.test).y.tolist()) == list(range(6))
    assert whole(data.train, 5).y.tolist() == list(range(10, 15))
    assert read(folder).fingerprint == data.fingerprint
    with pytest.raises(InputError, match=r"broken image shard-000003.* \(no image\)"):
        whole(load(folder).train, 60)


def test_an_epoch_shows_all_but_what_is_passed_over(folder: Path) -> None:
    data = read(folder)
    seen = [b.y.tolist() for b in islice(batches(data.train, 1), 2 * 68)]
    first, second = (list(chain.from_iterable(part)) for part in (seen[:68], seen[68:]))
    # image 41 is a copy of the held-out 2; 57 is one of 11, which is not held out
    assert sorted(first) == sorted(second) == sorted(set(range(10, 80)) - BROKEN - {41})
    assert first != second


@pytest.mark.parametrize("processes", [1, 2, 3, 6])
def test_processes_share_an_epoch_without_overlap(folder: Path, processes: int) -> None:
    """Six processes are more than there are shards."""
    data = read(folder)

    def work(rank: int) -> list[int]:
        found = batches(data.train, processes)
        taken = []
        for batch in found:
            if found.state_dict()["epoch"]:
                return taken
            taken += batch.y.tolist()
        raise AssertionError

    every = lockstep(processes, work)
    assert all(every)
    assert sorted(chain.from_iterable(every)) == sorted(set(range(10, 80)) - BROKEN - {41})


@settings(deadline=None, max_examples=25)
@given(at=st.integers(0, 40), size=st.integers(1, 9), seed=st.integers(0, 3), rank=st.integers(0, 1))
def test_it_goes_on_anywhere_as_if_it_had_never_stopped(folder: Path, at: int, size: int, seed: int, rank: int) -> None:
    def work(r: int) -> tuple[list, list]:
        data = read(folder)
        one = batches(data.train, 2 * size, seed=seed)
        passed = list(islice(one, at))
        state = one.state_dict()
        assert len(passed) == at
        again = batches(read(folder).train, 2 * size, seed=seed, steps=12, state=state)
        return list(islice(one, 12)), list(again)

    on, again = lockstep(2, work)[rank]
    assert len(on) == len(again) == 12
    for a, b in zip(on, again, strict=True):
        assert torch.equal(a.x, b.x)
        assert torch.equal(a.y, b.y)


def test_shards_before_the_place_are_not_opened(folder: Path, monkeypatch) -> None:
    opened = []
    for kind in (TarShard, ParquetShard):
        read_on = kind.entries
        monkeypatch.setattr(kind, "entries", lambda s, skip=0, on=read_on: opened.append(s.name) or on(s, skip))
    data = read(folder)
    opened.clear()
    found = batches(data.train, 1, seed=1)
    assert len(list(islice(found, 60))) == 60
    assert len(opened) == 4
    opened.clear()
    next(batches(data.train, 1, seed=1, state=found.state_dict()))
    assert len(opened) == 1


@pytest.mark.parametrize("ending", [".tar", ".parquet"])
@pytest.mark.parametrize("subfolders", [True, False])
def test_parts_have_names(tmp_path: Path, ending: str, subfolders: bool) -> None:
    join = "/" if subfolders else "-"
    for part, numbers in (
        ("train", range(20)),
        ("train", range(20, 30)),
        ("val", range(30, 35)),
        ("test", range(35, 40)),
    ):
        WRITERS[ending](tmp_path / f"{part}{join}{numbers.start:03d}{ending}", numbers)
    data = load(tmp_path)
    assert (len(data.train), len(data.validation), len(data.test)) == (30, 4, 5)
    assert whole(data.test).y.min() == 35


def test_parts_that_are_half_named_are_refused(tmp_path: Path) -> None:
    tar(tmp_path / "val-0.tar", range(5))
    with pytest.raises(InputError, match="has no training shards"):
        load(tmp_path)
    tar(tmp_path / "shard-0.tar", range(5))
    with pytest.raises(InputError, match=r"shard-0\.tar lies beside shards of parts"):
        load(tmp_path)


def test_one_shard_alone_is_a_set(tmp_path: Path) -> None:
    for ending, write in WRITERS.items():
        write(tmp_path / f"one{ending}", range(60))
        assert len(load(tmp_path / f"one{ending}").train) == 50


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    for ending, write in WRITERS.items():
        for i in range(3):
            write(tmp_path / ending / f"shard-{i}{ending}", range(20 * i, 20 * i + 20))
        path = tmp_path / ending / f"shard-1{ending}"
        path.write_bytes(path.read_bytes()[:-11000] if ending == ".tar" else path.read_bytes()[:-20])
        with pytest.raises(InputError, match=rf"shard-1\{ending} is damaged"):
            load(tmp_path / ending)


def test_shards_of_nothing_and_classes_of_some(tmp_path: Path) -> None:
    tar(tmp_path / "a" / "x.tar", range(0))
    with pytest.raises(InputError, match="hold no image"):
        load(tmp_path / "a")
    tar(tmp_path / "b" / "x.tar", range(5))
    tar(tmp_path / "b" / "y.tar", range(5, 10), cls=b"")
    with pytest.raises(InputError, match=r"00005\.png has no class"):
        load(tmp_path / "b")
    with pytest.raises(InputError, match="limit 3"):
        load(tmp_path / "b" / "x.tar", limit=3)


def test_pickles_are_told_of(tmp_path: Path) -> None:
    tar(tmp_path / "x.tar", range(60), pyd=b"cos\nsystem\n.")
    assert [note.code for note in load(tmp_path).notes] == ["pickles-passed-over"]


def test_tables_and_folders_of_images_are_what_they_were(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"x": list(range(40)), "y": [i / 7 for i in range(40)]}), tmp_path / "t.parquet")
    assert load(tmp_path).kind == "table"
    (tmp_path / "pictures").mkdir()
    for i in range(20):
        (tmp_path / "pictures" / f"{i}.png").write_bytes(png(i))
    tar(tmp_path / "pictures" / "all.tar", range(20))
    assert len(load(tmp_path / "pictures").train) == 14


def test_a_source_that_names_its_classes_keeps_them(tmp_path: Path) -> None:
    stated = {"info": {"features": {"label": {"names": ["a", "b", "c"], "_type": "ClassLabel"}}}}
    cells = pa.array([{"bytes": png(i)} for i in range(60)], pa.struct({"bytes": pa.binary()}))
    made = pa.table({"image": cells, "label": [i % 2 for i in range(60)]})
    parquet.write_table(made.replace_schema_metadata({"huggingface": json.dumps(stated)}), tmp_path / "x.parquet")
    assert load(tmp_path).classes == ("a", "b", "c")
    stated["info"]["features"]["label"]["names"] = ["a"]
    parquet.write_table(made.replace_schema_metadata({"huggingface": json.dumps(stated)}), tmp_path / "x.parquet")
    with pytest.raises(InputError, match="names 1 classes, there is one 1"):
        load(tmp_path)
