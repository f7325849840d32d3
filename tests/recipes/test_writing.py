"""What is written of text is held with a run of it, in test_text; here: the rows are those of the temperatures."""

from likeness.recipes.writing import TEMPERATURES


def test_greedy_is_among_the_temperatures() -> None:
    assert TEMPERATURES[0] == 0
    assert 1.0 in TEMPERATURES
