import pytest

from likeness.data.survey import Survey, classes_of, pickles_in
from likeness.errors import InputError


def test_classes_stand_in_their_order() -> None:
    assert classes_of([Survey({10, 2}, 5), Survey({1}, 5), Survey(set(), 0)]) == (1, 2, 10)
    assert classes_of([Survey({"dog", "cat"}, 5)]) == ("cat", "dog")
    assert classes_of([Survey({"cat", 3}, 5)]) == (3, "cat")
    assert classes_of([Survey(set(), 3, "a.png")]) == ()


def test_classes_for_some_samples_alone_are_refused() -> None:
    with pytest.raises(InputError, match=r"b\.png has no class"):
        classes_of([Survey({1}, 5), Survey(set(), 3, "b.png")])


def test_numbers_of_samples_are_no_classes() -> None:
    with pytest.raises(InputError, match="100001 different classes"):
        classes_of([Survey(set(range(100_001)), 100_001)])


def test_pickles_are_told_of_once() -> None:
    assert pickles_in([Survey(set(), 3)]) == ()
    (said,) = pickles_in([Survey(set(), 3, pickles=2), Survey(set(), 3, pickles=1)])
    assert (said.code, "3 members" in said.saw) == ("pickles-passed-over", True)
