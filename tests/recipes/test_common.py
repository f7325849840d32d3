"""Recipes are found by the name of their file; facts survive JSON."""

import json

import pytest

from likeness.errors import InputError
from likeness.recipes.common import SHARED, Common, Facts, names, positive, recipe


@pytest.mark.parametrize("name", names())
def test_every_recipe_keeps_the_agreement(name: str) -> None:
    made = recipe(name)
    assert issubclass(made.Settings, Common)
    assert callable(made.fitting)
    assert callable(made.build)
    assert made.Settings(data="digits") == made.Settings(data="digits")


def test_shared_files_are_no_recipes() -> None:
    assert not SHARED & set(names())
    with pytest.raises(InputError, match="unknown recipe 'common'"):
        recipe("common")


def test_facts_come_back_from_json() -> None:
    facts = Facts("images", (1, 8, 8), ("a", "b"), (3, 4), 7)
    assert Facts.restored(json.loads(json.dumps(facts._asdict()))) == facts


def test_numbers_out_of_range_are_named() -> None:
    positive(Common(data="x", steps=None, batch_size=4), "steps", "batch_size")
    with pytest.raises(InputError, match="--batch-size 0: give a number above zero"):
        positive(Common(data="x", batch_size=0), "steps", "batch_size")
