"""How the rows of a table become vectors, and how vectors become rows again.

- A number is standardised by the mean and standard deviation of the training rows. Where training rows have gaps
  (null or NaN), a gap becomes the mean, and one more entry is 1 for a gap and 0 for a number.
- Text, booleans, and integers with at most ten different values become one entry per value, 1 for the value and 0
  for the others; a gap is a value of its own. A value that no training row has becomes zeros, and is never decoded.
- Back: a gap where its entry is above one half; the category with the largest entry; integers are rounded and kept
  within their type.
"""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from likeness.errors import InputError, unknown

if TYPE_CHECKING:
    import pyarrow as pa

FEW, MANY = 10, 100  # integers with no more values are categories; text with more values is no category
Value = str | int | bool | None


@dataclass(frozen=True)
class Number:
    """A standardised column; `type` is Arrow's name of its type, `gaps` whether values can be missing."""

    name: str
    type: str
    mean: float
    std: float
    gaps: bool

    @property
    def width(self) -> int:
        return 1 + self.gaps

    @property
    def entries(self) -> list[str]:
        return [self.name, f"{self.name}: gap"][: self.width]

    def encode(self, column: "pa.ChunkedArray") -> np.ndarray:
        values = numbers(column)
        missing = np.isnan(values)
        scaled = np.where(missing, 0.0, (values - self.mean) / self.std)
        return np.stack((scaled, missing), axis=1)[:, : self.width]

    def legal(self, block: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        import pyarrow as pa

        values, kind = block[:, :1].double(), pa.type_for_alias(self.type)
        if pa.types.is_integer(kind):
            values = ((values * self.std + self.mean).round().clamp(*_limits(kind)) - self.mean) / self.std
        if not self.gaps:
            return values.to(block.dtype)
        missing = block[:, 1:] > 0.5
        return torch.cat((values.masked_fill(missing, 0.0), missing), dim=1).to(block.dtype)

    def decode(self, block: np.ndarray) -> "pa.Array":
        import pyarrow as pa

        values, kind = block[:, 0] * self.std + self.mean, pa.type_for_alias(self.type)
        if pa.types.is_integer(kind):
            values = np.clip(np.rint(values), *_limits(kind))
        missing = block[:, 1] > 0.5 if self.gaps else np.zeros(len(block), dtype=bool)
        return pa.array(values, mask=missing).cast(kind)


@dataclass(frozen=True)
class Category:
    """A column of few values, which may include None for a gap."""

    name: str
    type: str
    values: tuple[Value, ...]

    @property
    def width(self) -> int:
        return len(self.values)

    @property
    def entries(self) -> list[str]:
        return [f"{self.name}: {'gap' if value is None else value}" for value in self.values]

    def encode(self, column: "pa.ChunkedArray") -> np.ndarray:
        coded = column.combine_chunks().dictionary_encode(null_encoding="encode")
        place = {value: i for i, value in enumerate(self.values)}
        seen = np.array([place.get(value, self.width) for value in coded.dictionary.to_pylist()])
        return np.eye(self.width + 1, self.width, dtype=np.float32)[seen[coded.indices.to_numpy()]]

    def legal(self, block: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        return torch.nn.functional.one_hot(block.argmax(1), self.width).to(block.dtype)

    def decode(self, block: np.ndarray) -> "pa.Array":
        import pyarrow as pa

        return pa.array(self.values, pa.type_for_alias(self.type)).take(pa.array(block.argmax(1)))


@dataclass(frozen=True)
class Columns:
    """The codec of a table, with the columns in their order."""

    columns: tuple[Number | Category, ...]

    @property
    def width(self) -> int:
        return sum(column.width for column in self.columns)

    @property
    def entries(self) -> list[str]:
        """What each entry of a vector is, in words: a number, its gap, or one value of a category."""
        return [name for column in self.columns for name in column.entries]

    def encode(self, table: "pa.Table") -> Float[Tensor, "n d"]:
        """Raises InputError where a column is missing or cannot be read as the type it was learned with."""
        blocks = [column.encode(_cast(table, column)) for column in self.columns]
        return torch.from_numpy(np.concatenate(blocks, axis=1).astype(np.float32))

    def legal(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """The vectors of the rows that these are decoded to: whole numbers, one value a category, a gap or none."""
        blocks = x.split([column.width for column in self.columns], dim=1)
        return torch.cat([column.legal(block) for column, block in zip(self.columns, blocks)], dim=1)

    def decode(self, x: Float[Tensor, "n d"]) -> "pa.Table":
        """Raises InputError where the vectors have another width than the columns, or are not finite."""
        import pyarrow as pa

        if x.shape[1] != self.width:
            raise InputError(
                f"vectors of width {x.shape[1]} do not fit columns of width {self.width}: decode samples of this table"
            )
        if not x.isfinite().all():
            raise InputError("vectors that are not finite numbers cannot be decoded into a table: draw others")
        edges = np.cumsum([column.width for column in self.columns])[:-1]
        blocks = np.split(x.double().cpu().numpy(), edges, axis=1)
        return pa.table({c.name: c.decode(block) for c, block in zip(self.columns, blocks)})

    def state(self) -> list[dict[str, Any]]:
        """All of it as JSON, for a checkpoint; `from_state` reads it."""
        return [asdict(column) for column in self.columns]

    @classmethod
    def from_state(cls, state: list[dict[str, Any]]) -> "Columns":
        return cls(
            tuple(Category(**s | {"values": tuple(s["values"])}) if "values" in s else Number(**s) for s in state)
        )


def fit(train: "pa.Table") -> Columns:
    """The codec learned from the training rows.

    Raises:
        InputError: there is no column, or one that is neither numbers nor categories.
    """
    if not train.num_columns:
        raise InputError("the table has no columns besides the label: supply some to learn from")
    return Columns(tuple(_fit(name, train[name]) for name in train.column_names))


def check_varied(columns: Columns, train: "pa.Table") -> None:
    """Raises InputError where all training rows hold one value in a column: nothing to learn, and no density."""
    from pyarrow.compute import count_distinct

    for column in columns.columns:
        if count_distinct(train[column.name], mode="all").as_py() == 1:
            value = train[column.name][0].as_py()
            raise InputError(f"column {column.name!r} holds one value, {value!r}, in every training row: drop it")


def numbers(column: "pa.ChunkedArray") -> np.ndarray:
    """The column as float64, with NaN for gaps."""
    import pyarrow as pa

    return column.cast(pa.float64()).to_numpy().astype(np.float64)


def _cast(table: "pa.Table", column: Number | Category) -> "pa.ChunkedArray":
    import pyarrow as pa

    if column.name not in table.column_names:
        raise unknown("column", column.name, table.column_names)
    values = table[column.name]
    try:
        return values.cast(pa.float64() if isinstance(column, Number) else pa.type_for_alias(column.type))
    except pa.ArrowException as error:
        what = "numbers" if isinstance(column, Number) else column.type
        raise InputError(f"column {column.name!r} holds {values.type} where {what} are needed: convert it") from error


def check_kind(name: str, kind: "pa.DataType") -> None:
    """Raises InputError where a column of that type is neither numbers nor categories."""
    if not (_is_number(kind) or _is_category(kind)):
        raise InputError(f"column {name!r} holds {kind}, which is neither numbers nor categories: convert or drop it")


def _is_number(kind: "pa.DataType") -> bool:
    from pyarrow import types

    return types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)


def _is_category(kind: "pa.DataType") -> bool:
    from pyarrow import types

    return types.is_boolean(kind) or types.is_string(kind) or types.is_large_string(kind)


def _fit(name: str, column: "pa.ChunkedArray") -> Number | Category:
    from pyarrow import types
    from pyarrow.compute import count_distinct

    check_kind(name, column.type)
    few = types.is_integer(column.type) and count_distinct(column).as_py() <= FEW
    return _category(name, column) if few or _is_category(column.type) else _number(name, column)


def _number(name: str, column: "pa.ChunkedArray") -> Number:
    from pyarrow import types

    values = numbers(column)
    missing = np.isnan(values)
    if missing.all():
        raise InputError(f"column {name!r} has no value in any training row: drop it")
    constant = np.nanmin(values) == np.nanmax(values)
    std = 1.0 if constant else float(np.nanstd(values))
    kind = "double" if types.is_decimal(column.type) else str(column.type)
    return Number(name, kind, float(np.nanmean(values)), std, bool(missing.any()))


def _limits(kind: "pa.DataType") -> tuple[float, float]:
    """The smallest and the largest float within a type of integers."""
    limits = np.iinfo(kind.to_pandas_dtype())
    high = float(limits.max)
    return float(limits.min), high if int(high) <= limits.max else float(np.nextafter(high, 0))


def _category(name: str, column: "pa.ChunkedArray") -> Category:
    values = column.unique().to_pylist()
    if len(values) > MANY:
        raise InputError(
            f"column {name!r} holds {len(values)} different texts ({values[0]!r}, {values[1]!r} …): "
            f"numbers are needed, or at most {MANY} categories; drop the column or convert it"
        )
    return Category(
        name, str(column.type), tuple(sorted(v for v in values if v is not None)) + (None,) * (None in values)
    )
