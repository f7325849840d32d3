"""What a sweep searches: derived from the fields of a recipe's settings, or asked for in words.

A number is searched in the `Range` that stands beside it; literals and truth values among what they can be.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from types import ModuleType, NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from likeness.errors import InputError, unknown
from likeness.recipes.common import Common, Range

SETTLED = {f.name for f in fields(Common)} - {"steps", "batch_size"}  # data, places, machine: the same for all trials
Value = bool | int | float | str


@dataclass(frozen=True)
class Numbers:
    """All numbers from `low` to `high`, both included; by their ratio where `log`, integers where `whole`."""

    low: float
    high: float
    log: bool
    whole: bool


@dataclass(frozen=True)
class Names:
    """One of several values."""

    options: tuple[Value, ...]


Place = Numbers | Names
Space = dict[str, Place]


@dataclass(frozen=True)
class Field:
    """A setting that may be searched: the kind of its values and where to look unless told otherwise."""

    kind: type
    place: Place | None


def searchable(settings: type[Common]) -> dict[str, Field]:
    """The settings that may differ from trial to trial."""
    hints = get_type_hints(settings, include_extras=True)
    found = {f.name: _field(hints[f.name]) for f in fields(settings) if f.name not in SETTLED}
    return {name: field for name, field in found.items() if field is not None}


def _field(hint: Any) -> Field | None:
    kind, *given = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    if get_origin(kind) in (Union, UnionType):
        kind, *others = (k for k in get_args(kind) if k is not NoneType)
        if others:
            return None
    if get_origin(kind) is Literal:
        return Field(type(get_args(kind)[0]), Names(get_args(kind)))
    if kind is bool:
        return Field(bool, Names((False, True)))
    if kind not in (int, float):
        return None
    place = next((r for r in given if isinstance(r, Range)), None)
    return Field(kind, None if place is None else Numbers(place.low, place.high, place.log, kind is int))


def space_of(made: ModuleType, words: Sequence[str] | None, fixed: Collection[str]) -> Space:
    """The search space: what the words ask for, or without any what the recipe itself names, less what is `fixed`.

    A word is `name` (the range beside the setting), `name=low:high`, `name=low:high:log` or `name=one,other,…`.

    Raises:
        InputError: a word cannot be read, names no setting or one that is fixed, or nothing is left to search.
    """
    known = searchable(made.Settings)
    if words is None:
        ranged = [name for name, field in known.items() if isinstance(field.place, Numbers)]
        named = [name for name in getattr(made, "SEARCHED", ranged) if name not in fixed]
        words = named
    space: Space = {}
    for word in words:
        name, _, asked = word.partition("=")
        name = name.strip().lstrip("-").replace("-", "_")
        if name in space:
            raise InputError(f"--search {word}: {name} is already searched: name it once")
        if name in fixed:
            raise InputError(f"--search {word}: --{name.replace('_', '-')} is given as well: leave one of the two out")
        if name not in known:
            raise unknown("setting to search", name, known)
        space[name] = _place(word, asked, known[name])
    if not space:
        raise InputError("nothing to search: name a setting, as in --search lr_g=1e-4:1e-2:log loss=hinge,minimax")
    return space


def _place(word: str, asked: str, field: Field) -> Place:
    if not asked:
        if field.place is None:
            raise InputError(f"--search {word}: it has no range of its own: give one, as in {word}=1:10")
        return field.place
    if ":" in asked:
        return _numbers(word, asked, field)
    options = tuple(_value(word, text, field) for text in asked.split(","))
    if len(set(options)) < 2:
        raise InputError(f"--search {word}: one value is no search: give it as an option of its own, or name more")
    return Names(tuple(dict.fromkeys(options)))


def _numbers(word: str, asked: str, field: Field) -> Numbers:
    parts = asked.split(":")
    if field.kind not in (int, float) or len(parts) > 3 or (len(parts) == 3 and parts[2] not in ("log", "linear")):
        raise InputError(f"--search {word}: write name=low:high, name=low:high:log or name=one,other")
    low, high = (_value(word, text, field) for text in parts[:2])
    assert not isinstance(low, str)
    assert not isinstance(high, str)
    own = isinstance(field.place, Numbers) and field.place.log
    log = parts[2] == "log" if len(parts) == 3 else own and low > 0
    if not low < high:
        raise InputError(f"--search {word}: {low} is not below {high}: give the lower end first")
    if log and low <= 0:
        raise InputError(f"--search {word}: a search by ratios starts above zero: raise {low} or write :linear")
    return Numbers(low, high, log, field.kind is int)


def _value(word: str, text: str, field: Field) -> Value:
    text = text.strip()
    if field.kind is bool:
        if text.lower() not in ("true", "false", "yes", "no"):
            raise InputError(f"--search {word}: {text!r} is neither true nor false")
        return text.lower() in ("true", "yes")
    try:
        value: Value = field.kind(text)
    except ValueError:
        kind = {"int": "a whole number", "float": "a number"}.get(field.kind.__name__, "a value")
        raise InputError(f"--search {word}: {text!r} is not {kind}") from None
    if isinstance(value, float) and not abs(value) < float("inf"):
        raise InputError(f"--search {word}: {text!r} is not a finite number")
    if isinstance(field.place, Names) and value not in field.place.options:
        raise unknown(f"value of {word.partition('=')[0]}", text, map(str, field.place.options))
    return value


def suggested(space: Space, trial: Any) -> dict[str, Value]:
    """The settings that Optuna's trial is to try."""
    return {name: _suggest(name, place, trial) for name, place in space.items()}


def _suggest(name: str, place: Place, trial: Any) -> Value:
    if isinstance(place, Names):
        return trial.suggest_categorical(name, list(place.options))
    if place.whole:
        return trial.suggest_int(name, int(place.low), int(place.high), log=place.log)
    return trial.suggest_float(name, place.low, place.high, log=place.log)


def inside(space: Space, values: Mapping[str, Any]) -> bool:
    """Whether the values are a point of the space."""
    return all(_within(place, values[name]) for name, place in space.items())


def _within(place: Place, value: Any) -> bool:
    if isinstance(place, Names):
        return value in place.options
    return value is not None and place.low <= value <= place.high


def plain(space: Space) -> dict[str, str]:
    """The space in the words that ask for it."""
    return {name: _word(place) for name, place in space.items()}


def _word(place: Place) -> str:
    if isinstance(place, Names):
        return ",".join(str(o).lower() if isinstance(o, bool) else str(o) for o in place.options)
    low, high = (int(v) if place.whole else v for v in (place.low, place.high))
    return f"{low}:{high}:{'log' if place.log else 'linear'}"
