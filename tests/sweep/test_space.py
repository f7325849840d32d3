"""A search space is what the settings say; words ask for others; nonsense is refused in one line."""

from dataclasses import dataclass
from types import ModuleType
from typing import Annotated, Any, Literal

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.errors import InputError
from likeness.recipes.common import Common, Range, names, recipe
from likeness.sweep.space import Names, Numbers, inside, plain, searchable, space_of, suggested


@dataclass(frozen=True)
class Settings(Common):
    rate: Annotated[float | None, Range(1e-4, 1e-2, log=True)] = None
    count: Annotated[int, Range(1, 5)] = 1
    bare: float = 0.5
    kind: Literal["a", "b", "c"] = "a"
    flag: bool = False
    words: str = ""


def module(**names: Any) -> ModuleType:
    made = ModuleType("made")
    made.__dict__.update(Settings=Settings, **names)
    return made


MADE = module()


def test_the_space_is_derived_from_the_fields() -> None:
    known = searchable(Settings)
    assert known["rate"].place == Numbers(1e-4, 1e-2, True, False)
    assert known["count"].place == Numbers(1, 5, False, True)
    assert known["kind"].place == Names(("a", "b", "c"))
    assert known["flag"].place == Names((False, True))
    assert known["bare"].place is None
    assert "words" not in known
    assert not {"data", "seed", "device", "out", "report", "features"} & set(known), "the same for all trials"


def test_without_words_all_that_have_a_range_are_searched_or_what_the_recipe_names() -> None:
    assert set(space_of(MADE, None, ())) == {"batch_size", "rate", "count"}
    assert set(space_of(MADE, None, {"rate", "batch_size"})) == {"count"}
    named = module(SEARCHED=("kind", "rate"))
    assert set(space_of(named, None, ())) == {"kind", "rate"}


@pytest.mark.parametrize("name", names())
def test_every_recipe_names_settings_that_can_be_searched(name: str) -> None:
    made = recipe(name)
    space = space_of(made, None, ())
    assert space
    assert set(space) <= set(searchable(made.Settings))


def test_words_are_read() -> None:
    space = space_of(MADE, ("rate", "bare=0:1", "count=2:9:log", "kind=a,c", "flag", "batch-size=16,64"), ())
    assert space == {
        "rate": Numbers(1e-4, 1e-2, True, False),
        "bare": Numbers(0, 1, False, False),
        "count": Numbers(2, 9, True, True),
        "kind": Names(("a", "c")),
        "flag": Names((False, True)),
        "batch_size": Names((16, 64)),
    }
    assert space_of(MADE, ("rate=1e-3:1e-2",), ())["rate"] == Numbers(1e-3, 1e-2, True, False), "log as declared"
    assert space_of(MADE, ("rate=1e-3:1e-2:linear",), ())["rate"] == Numbers(1e-3, 1e-2, False, False)


@pytest.mark.parametrize(
    ("word", "clue"),
    [
        ("rat", "did you mean rate"),
        ("words", "unknown setting"),
        ("seed", "unknown setting"),
        ("bare", "no range of its own"),
        ("rate=1:x", "'x' is not a number"),
        ("rate=2:1", "not below"),
        ("rate=0:1:log", "above zero"),
        ("rate=1:2:cubic", "write name=low:high"),
        ("rate=nan:1", "not a finite"),
        ("count=1.5:3", "not a whole number"),
        ("kind=a,z", "unknown value"),
        ("kind=1:2", "write name=low:high"),
        ("kind=a", "one value is no search"),
        ("flag=maybe,true", "neither true nor false"),
    ],
)
def test_words_that_make_no_sense_are_refused(word: str, clue: str) -> None:
    with pytest.raises(InputError, match=clue) as error:
        space_of(MADE, (word,), ())
    assert "\n" not in str(error.value)


def test_what_is_given_is_not_searched_and_nothing_is_searched_twice() -> None:
    with pytest.raises(InputError, match="--rate is given as well"):
        space_of(MADE, ("rate",), {"rate"})
    with pytest.raises(InputError, match="already searched"):
        space_of(MADE, ("rate", "rate=1:2"), ())
    with pytest.raises(InputError, match="nothing to search"):
        space_of(MADE, None, {"rate", "count", "batch_size"})


@given(low=st.floats(1e-6, 1e3), factor=st.floats(1.01, 1e4), log=st.booleans(), seed=st.integers(0, 99))
def test_what_is_tried_lies_in_the_range_and_words_come_back(low: float, factor: float, log: bool, seed: int) -> None:
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    word = f"rate={low!r}:{low * factor!r}:{'log' if log else 'linear'}"
    space = space_of(MADE, (word, "count=2:7", "kind", "flag"), ())
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    values = suggested(space, study.ask())
    assert inside(space, values)
    assert low <= float(values["rate"]) <= low * factor
    assert values["count"] in range(2, 8)
    again = space_of(MADE, tuple(f"{name}={words}" for name, words in plain(space).items()), ())
    assert again == space


def test_outside_is_seen() -> None:
    space = space_of(MADE, ("rate", "kind=a,b"), ())
    assert inside(space, {"rate": 1e-3, "kind": "a", "other": 1})
    assert not inside(space, {"rate": 1.0, "kind": "a"})
    assert not inside(space, {"rate": 1e-3, "kind": "c"})
    assert not inside(space, {"rate": None, "kind": "a"})
