"""The parts of apple, and buckets that are the same everywhere."""

import pytest

from likeness.embed.subwords import bucket, parts, table
from likeness.errors import InputError


def test_the_parts_of_apple() -> None:
    found = parts("apple")
    assert len(found) == 14
    assert found[:5] == ["<ap", "app", "ppl", "ple", "le>"]
    assert {"<app", "<appl", "<apple", "pple>", "apple>"} <= set(found)
    assert "<apple>" not in found
    assert parts("a") == [] or parts("a") == ["<a>"][:0]


def test_buckets_are_fnv_1a() -> None:
    assert bucket("a", 2**32) == 0xE40C292C
    assert bucket("foobar", 2**32) == 0xBF9CF968
    assert 0 <= bucket("<ap", 7) < 7


def test_a_row_holds_the_word_and_its_parts() -> None:
    rows = table(["apple", "ox"], 100)
    assert rows.shape == (2, 15)
    assert rows[:, 0].tolist() == [101, 102]
    assert sorted(rows[0, 1:].tolist()) == sorted(1 + bucket(p, 100) for p in parts("apple"))
    assert int((rows[1] > 0).sum()) == 1 + len(parts("ox"))


def test_what_has_no_parts_is_refused() -> None:
    with pytest.raises(InputError, match="empty word"):
        parts("")
    with pytest.raises(InputError, match="5 to 3 letters"):
        parts("apple", 5, 3)
