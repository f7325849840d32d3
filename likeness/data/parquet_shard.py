"""A Parquet file of encoded images, as the Hugging Face hub writes them: a column of images, perhaps one of classes.

A cell of the image column is its bytes, or a struct with a field `bytes`. Rows before the first that is wanted are
passed over by whole groups, unread.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likeness.data.encoded import Entry
from likeness.data.survey import Label, Survey
from likeness.errors import InputError, unknown

if TYPE_CHECKING:
    import pyarrow as pa

TOGETHER = 128  # rows taken from the file at a time
USUAL = ("label", "labels", "class", "cls")


class ParquetShard:
    """The rows of a Parquet file; `label` names the column of classes, if it is not one of the usual names."""

    def __init__(self, path: Path, name: str, part: str, label: str | None = None) -> None:
        self.path, self.name, self.part = path, name, part
        self.length: int | None = None
        self.classes: Mapping[Label, int] = {}
        with _opened(path) as file:
            self.image = _image(path, file.schema_arrow)
            self.label, self.names = _classes(file.schema_arrow, label)

    def survey(self) -> Survey:
        """How many samples there are and of which classes. Raises InputError where the file is damaged."""
        with _opened(self.path) as file:
            self.length = length = file.metadata.num_rows
            if self.label is None:
                return Survey(set(), length, self.name if length else None)
            found = set(file.read(columns=[self.label]).column(0).unique().to_pylist())
        lacking = found & {None, -1} if self.names else found & {None}
        return Survey(found - lacking, length, f"a row of {self.name}" if lacking else None)

    def entries(self, skip: int = 0) -> Iterator[Entry]:
        """The rows from one on."""
        place, columns = skip, [self.image] + ([self.label] if self.label else [])
        with _opened(self.path) as file:
            groups = [file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)]
            first = 0
            while first < len(groups) and skip >= groups[first]:
                skip, first = skip - groups[first], first + 1
            wanted = range(first, len(groups))
            for rows in file.iter_batches(TOGETHER, row_groups=wanted, columns=columns):
                for row in rows.slice(min(skip, len(rows))).to_pylist():
                    cell, label = row[self.image], self.classes.get(row[self.label], 0) if self.label else 0
                    content = cell.get("bytes") if isinstance(cell, dict) else cell
                    yield Entry(f"{self.name}[{place}]", partial(BytesIO, content or b""), self.part, label)
                    place += 1
                skip = max(0, skip - len(rows))


def holds_images(path: Path) -> bool:
    """Whether a Parquet file has a column of encoded images."""
    with _opened(path) as file:
        return _image_column(file.schema_arrow) is not None


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} is damaged ({str(error).splitlines()[0]}): fetch it again, or remove it") from error


def _image(path: Path, schema: "pa.Schema") -> str:
    if (found := _image_column(schema)) is None:
        raise InputError(f"{path} has no column of encoded images ({', '.join(schema.names)}), other shards have one")
    return found


def _image_column(schema: "pa.Schema") -> str | None:
    """The first column of structs with bytes in them, else the first one of bytes."""
    import pyarrow as pa

    def encoded(kind: Any) -> bool:
        return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)

    structs = (f.name for f in schema if pa.types.is_struct(f.type) and any(g.name == "bytes" for g in f.type))
    return next(structs, None) or next((f.name for f in schema if encoded(f.type)), None)


def _classes(schema: "pa.Schema", label: str | None) -> tuple[str | None, tuple[str, ...]]:
    """The column of classes, and their names where the file states them as the hub does."""
    told = json.loads((schema.metadata or {}).get(b"huggingface", b"{}")).get("info", {}).get("features", {})
    stated = {name: f["names"] for name, f in told.items() if isinstance(f, dict) and f.get("_type") == "ClassLabel"}
    if label is not None and label not in schema.names:
        raise unknown("column", label, schema.names)
    if label is not None and not _countable(schema.field(label).type):
        raise InputError(f"column {label!r} holds {schema.field(label).type}: classes are whole numbers or text")
    usual = (name for name in (*stated, *USUAL) if name in schema.names and _countable(schema.field(name).type))
    column = label or next(usual, None)
    return column, tuple(stated.get(column, ()))


def _countable(kind: Any) -> bool:
    import pyarrow as pa

    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind))
