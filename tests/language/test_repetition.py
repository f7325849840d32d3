"""Known values: loops, copies, and texts that repeat nothing."""

import pytest

from likeness.language.repetition import copied, distinct, longest, repeated, repetition


def test_a_loop_repeats_all_but_its_first_turn() -> None:
    assert repeated("abcde" * 20, 20) == pytest.approx(1 - 5 / 81)
    assert repeated("abcdefghijklmnopqrstuvwxyz", 3) == 0
    assert repeated("short", 20) == 0


def test_the_longest_repeat_is_found() -> None:
    assert longest("xhelloyhelloz") == 5
    assert longest("abc") == 0
    assert longest("aaaa") == 3
    assert longest([1, 2, 9, 1, 2]) == 2


def test_distinct_and_copied() -> None:
    assert distinct(["abc", "abc"], 3) == 0.5
    assert copied(["the cat"], "on the cat sat", 7) == 1
    assert copied(["the dog"], "on the cat sat", 7) == 0
    found = repetition(["ab" * 30, "xyz" * 20], "ab" * 40)
    assert found.copied == pytest.approx(0.5)
    assert found.longest == 57.5
