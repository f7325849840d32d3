"""Tables as data: CSV and Parquet, read by Arrow, with numeric and categorical columns.

The columns become vectors by a codec (`columns`) that is learned from the training rows alone. In CSV an empty
field, `?` and the usual spellings (NA, NaN, null …) are gaps; a first line of nothing but numbers is a row, not names.
Two rows are copies of each other where all their columns agree, the label included.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from likeness.data.columns import FEW, Category, Columns, check_kind, check_varied, fit, numbers
from likeness.data.dataset import Dataset, Options, assemble
from likeness.data.memory import Digests, InMemory, Places
from likeness.data.splits import TRAIN, divide
from likeness.errors import InputError, unknown
from likeness.findings import Finding

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = {".csv": ",", ".tsv": "\t", ".parquet": ""}
GAPS = ["?"]  # besides Arrow's own
STRAYS = 0.1  # a column of text of which a smaller share are no numbers is a column of numbers with strays
LABELS = 1000  # classes at most


class Rows:
    """Rows of a table with a hash of the content of each."""

    def __init__(self, table: "pa.Table", hashes: Digests | None = None) -> None:
        self.table = table
        self.digests = row_digests(table) if hashes is None else hashes

    def __len__(self) -> int:
        return self.table.num_rows

    def take(self, places: Places) -> "Rows":
        return Rows(self.table.take(places), self.digests[places])


def read_table(path: Path) -> "pa.Table":
    """The table in a file.

    Raises:
        InputError: the file is empty or cannot be read, or two columns share a name.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(path) if path.suffix == ".parquet" else _read_csv(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"cannot read {path} ({str(error).splitlines()[0]}): repair it") from error
    if not table.num_rows:
        raise InputError(f"{path} has no rows: supply some")
    if len(set(table.column_names)) < table.num_columns:
        twice = next(name for name in table.column_names if table.column_names.count(name) > 1)
        raise InputError(f"{path} has two columns named {twice!r}: rename one")
    return table


def tables(name: str, given: Mapping[str, "pa.Table"], options: Options, names: tuple[str, ...] = ()) -> Dataset:
    """The data set of these parts; `names` are those of the labels 0, 1, … where they are known.

    Raises:
        InputError: a column is neither numbers nor categories; the label is no column, has gaps or is no class; a part
            lacks a column of the others.
    """
    if options.size is not None or options.channels is not None:
        raise InputError(f"{name} is a table: size and channels are for images; leave them out")
    alike = _alike(name, given, options)
    classes = _classes(alike, options.label)
    rows, notes = divide({part: Rows(t) for part, t in alike.items()}, seed=options.seed, limit=options.limit)
    inputs = {part: _without(r.table, options.label) for part, r in rows.items()}
    columns = fit(inputs[TRAIN])
    check_varied(columns, inputs[TRAIN])
    labels = {part: _labels(r.table, options.label, classes) for part, r in rows.items()}
    parts = {part: InMemory(columns.encode(table), labels[part]) for part, table in inputs.items()}
    known = tuple(names[v] if isinstance(v, int) and v < len(names) else str(v) for v in classes)
    notes += _unseen(columns, inputs)
    return assemble(name, "table", parts, options, classes=known, columns=columns, notes=notes)


def row_digests(table: "pa.Table") -> Digests:
    """The sum of a hash of the value in every column."""
    total = np.zeros(table.num_rows, np.uint64)
    for i, column in enumerate(table.columns):
        coded = column.combine_chunks().dictionary_encode(null_encoding="encode")
        values = [hashlib.blake2b(f"{i}:{v!r}".encode(), digest_size=8).digest() for v in coded.dictionary.to_pylist()]
        total += np.frombuffer(b"".join(values), np.uint64)[coded.indices.to_numpy()]
    return total


def _check_values(name: str, table: "pa.Table") -> None:
    """Raises InputError for a column of another kind, and for numbers with an infinity or a stray text among them."""
    import pyarrow as pa

    for column in table.column_names:
        check_kind(column, table.schema.field(column).type)
        if pa.types.is_floating(table.schema.field(column).type):
            if len(at := np.flatnonzero(np.isinf(numbers(table[column])))):
                raise InputError(f"column {column!r} of {name} has an infinity in row {at[0] + 1}: remove it")
        elif pa.types.is_string(table.schema.field(column).type):
            _check_strays(f"column {column!r} of {name}", table[column])


def _check_strays(what: str, column: "pa.ChunkedArray") -> None:
    texts = column.unique().drop_null().to_pylist()
    strays = [text for text in texts if not _is_number(text)]
    if strays and len(texts) > FEW and len(strays) < STRAYS * len(texts):
        row = column.to_pylist().index(strays[0]) + 1
        raise InputError(f"{what} holds numbers, but {strays[0]!r} in row {row}: correct it or leave the field empty")


def _read_csv(path: Path) -> "pa.Table":
    from pyarrow import csv

    parse = csv.ParseOptions(delimiter=SUFFIXES[path.suffix])
    gaps = [*csv.ConvertOptions().null_values, *GAPS]
    convert = csv.ConvertOptions(null_values=gaps, strings_can_be_null=True)
    table = csv.read_csv(path, parse_options=parse, convert_options=convert)
    if all(map(_is_number, table.column_names)):
        nameless = csv.ReadOptions(autogenerate_column_names=True)
        table = csv.read_csv(path, nameless, parse, convert)
    return table


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _alike(name: str, given: Mapping[str, "pa.Table"], options: Options) -> dict[str, "pa.Table"]:
    """The parts with the same columns of the same plain types in the same order."""
    import pyarrow as pa

    known = given[TRAIN].column_names
    for column in (*options.drop, *(() if options.label is None else (options.label,))):
        if column not in known:
            raise unknown("column", column, known)
    wanted = [column for column in known if column not in options.drop]
    for part, table in given.items():
        if lacking := sorted(set(wanted) - set(table.column_names)):
            raise InputError(
                f"the {part} part of {name} has no column {lacking[0]!r}, which the training part has: add it"
            )
    plain = {part: _plain(table.select(wanted)) for part, table in given.items()}
    for part, table in plain.items():
        _check_values(name if len(plain) == 1 else f"the {part} part of {name}", table)
    try:
        schema = pa.unify_schemas([table.schema for table in plain.values()], promote_options="permissive")
    except pa.ArrowException as error:
        raise InputError(
            f"the parts of {name} differ in their types ({str(error).splitlines()[0]}): make them alike"
        ) from error
    return {part: table.cast(schema) for part, table in plain.items()}


def _plain(table: "pa.Table") -> "pa.Table":
    """The table without dictionaries and metadata, which carry no value of their own."""
    import pyarrow as pa

    fields = [pa.field(f.name, f.type.value_type if pa.types.is_dictionary(f.type) else f.type) for f in table.schema]
    return table.cast(pa.schema(fields))


def _without(table: "pa.Table", label: str | None) -> "pa.Table":
    return table if label is None else table.drop_columns([label])


def _classes(given: Mapping[str, "pa.Table"], label: str | None) -> list[Any]:
    """Every value of the label, sorted."""
    if label is None:
        return []
    values = {v for table in given.values() for v in table[label].unique().to_pylist()}
    if None in values:
        raise InputError(f"label column {label!r} has gaps: fill them, or remove their rows")
    if len(values) > LABELS or any(isinstance(v, float) and not v.is_integer() for v in values):
        raise InputError(
            f"label column {label!r} has {len(values)} different values: name a column of at most {LABELS} classes"
        )
    return sorted(values)


def _labels(table: "pa.Table", label: str | None, classes: list[Any]) -> Tensor | None:
    if label is None:
        return None
    place = {value: i for i, value in enumerate(classes)}
    return torch.tensor([place[value] for value in table[label].to_pylist()])


def _unseen(columns: Columns, inputs: Mapping[str, "pa.Table"]) -> tuple[Finding, ...]:
    """Categories of the held-out parts that no training row has."""
    held = [table for part, table in inputs.items() if part != TRAIN]
    notes = []
    for column in (c for c in columns.columns if isinstance(c, Category)):
        if strange := {v for t in held for v in t[column.name].unique().to_pylist()} - set(column.values):
            example = min(map(str, strange))
            saw = f"Column {column.name!r} has values in held-out rows that no training row has, such as {example!r}."
            notes.append(Finding("unseen-categories", saw, "They are read as zeros; supply training rows with them."))
    return tuple(notes)
