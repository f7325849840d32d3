"""An unknown name is answered with the nearest known ones."""

from likeness.errors import InputError, unknown


def test_the_nearest_names_come_first() -> None:
    error = unknown("data set", "digit", ["digits", "shapes", "rings"])
    assert isinstance(error, InputError)
    assert isinstance(error, ValueError)
    assert str(error) == "unknown data set 'digit': did you mean digits? known: digits, rings, shapes"


def test_without_a_near_one_all_are_listed() -> None:
    assert str(unknown("metric", "zzz", ["b", "a"])) == "unknown metric 'zzz': known: a, b"
