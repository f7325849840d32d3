"""What is told of data is what they are; levels are found, and decide what a model of pixels is of."""

from likeness.data import load
from likeness.recipes.common import Facts, recipe
from likeness.recipes.facts import facts_of


def test_digits_have_seventeen_levels_and_points_have_none() -> None:
    facts = facts_of(load("digits"))
    assert (facts.kind, facts.event, facts.levels) == ("images", (1, 8, 8), 17)
    assert sum(facts.label_counts) == facts.n_train
    assert facts_of(load("ring8", limit=100)).levels is None


def test_facts_come_back_from_a_run_of_any_age() -> None:
    facts = facts_of(load("digits", limit=300))
    assert Facts.restored(facts._asdict()) == facts
    old = {k: v for k, v in facts._asdict().items() if k not in ("columns", "vocabulary", "levels")}
    assert Facts.restored(old) == facts._replace(levels=None)


def test_models_of_pixels_take_the_levels_that_the_data_have() -> None:
    facts = facts_of(load("digits", limit=300))
    for name in ("pixelcnn", "flow"):
        made = recipe(name)
        assert made.fitting(made.Settings("digits"), facts).levels == 17
        assert made.fitting(made.Settings("digits", levels=256), facts).levels == 256
        assert made.fitting(made.Settings("digits"), facts._replace(levels=None)).levels == 256
