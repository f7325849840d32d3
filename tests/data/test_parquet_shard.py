import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from likeness.data.parquet_shard import ParquetShard, holds_images
from likeness.errors import InputError

CONTENTS = [f"image {i}".encode() for i in range(300)]


def write(path: Path, *, struct: bool = True, rows: int = 300, group: int = 100, **columns: list) -> Path:
    contents = CONTENTS[:rows]
    cells = [{"bytes": c, "path": None} for c in contents] if struct else contents
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())]) if struct else pa.binary()
    table = pa.table({"id": list(range(rows)), "image": pa.array(cells, kind), **columns})
    parquet.write_table(table, path, row_group_size=group)
    return path


@pytest.mark.parametrize("struct", [True, False])
@pytest.mark.parametrize("skip", [0, 1, 100, 150, 230, 299, 300])
def test_rows_are_read_from_any_on(tmp_path: Path, struct: bool, skip: int) -> None:
    labels = [i % 7 for i in range(300)]
    shard = ParquetShard(write(tmp_path / "a.parquet", struct=struct, label=labels), "a.parquet", "train")
    survey = shard.survey()
    assert (survey.labels, survey.length, shard.length) == (set(range(7)), 300, 300)
    shard.classes = {i: i for i in range(7)}
    entries = list(shard.entries(skip))
    assert [e.open().read() for e in entries] == CONTENTS[skip:]
    assert [e.label for e in entries] == labels[skip:]
    assert [e.name for e in entries] == [f"a.parquet[{i}]" for i in range(skip, 300)]


def test_a_table_without_images_is_told_from_one_with(tmp_path: Path) -> None:
    assert holds_images(write(tmp_path / "a.parquet"))
    parquet.write_table(pa.table({"x": [1.0]}), tmp_path / "b.parquet")
    assert not holds_images(tmp_path / "b.parquet")
    with pytest.raises(InputError, match=r"b\.parquet has no column of encoded images \(x\)"):
        ParquetShard(tmp_path / "b.parquet", "b.parquet", "train")


def test_classes_that_the_file_names_as_the_hub_does(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", kind=[i % 2 for i in range(300)], label=["x"] * 300)
    table = parquet.read_table(path)
    stated = {
        "info": {"features": {"kind": {"names": ["no", "yes"], "_type": "ClassLabel"}, "image": {"_type": "Image"}}}
    }
    parquet.write_table(table.replace_schema_metadata({"huggingface": json.dumps(stated)}), path)
    shard = ParquetShard(path, "a.parquet", "train")
    assert (shard.label, shard.names) == ("kind", ("no", "yes"))
    assert ParquetShard(path, "a.parquet", "train", "label").survey().labels == {"x"}


def test_columns_that_hold_no_classes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", label=[0.5] * 300)
    assert ParquetShard(path, "a.parquet", "train").survey().labels == set()
    with pytest.raises(InputError, match="'label' holds double"):
        ParquetShard(path, "a.parquet", "train", "label")
    with pytest.raises(InputError, match=r"unknown column 'lable'.*label"):
        ParquetShard(path, "a.parquet", "train", "lable")
    gaps = ParquetShard(write(tmp_path / "b.parquet", label=[None, *[1] * 299]), "b.parquet", "train").survey()
    assert (gaps.labels, gaps.unlabelled) == ({1}, "a row of b.parquet")


def test_empty_and_damaged_files(tmp_path: Path) -> None:
    empty = ParquetShard(write(tmp_path / "a.parquet", rows=0, label=pa.array([], pa.int64())), "a.parquet", "train")
    assert empty.survey().length == 0
    assert list(empty.entries()) == []
    path = write(tmp_path / "b.parquet")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match=r"b\.parquet is damaged"):
        ParquetShard(path, "b.parquet", "train")


def test_a_cell_without_bytes_is_a_broken_image(tmp_path: Path) -> None:
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    cells = pa.array([{"bytes": None, "path": "/etc/passwd"}, None, {"bytes": b"x", "path": None}], kind)
    parquet.write_table(pa.table({"image": cells}), tmp_path / "a.parquet")
    shard = ParquetShard(tmp_path / "a.parquet", "a.parquet", "train")
    assert [e.open().read() for e in shard.entries()] == [b"", b"", b"x"]
