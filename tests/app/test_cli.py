"""Help reads well, every failure is one line with the right exit code, and a fault of ours is told as one."""

import pytest

from likeness.app import cli


def test_help_lists_every_verb_and_each_explains_itself(likeness) -> None:
    shown = likeness("--help")
    assert shown.code == 0
    for verb in cli.VERBS:
        assert f"  {verb} " in shown.out
        told = likeness(verb, "--help")
        assert told.code == 0, verb
        assert f"likeness {verb}" in told.out
        assert "None" not in told.out, f"{verb} shows a programmer's None"


def test_without_words_it_helps(likeness) -> None:
    assert likeness().out == likeness("-h").out
    assert "likeness 0." in likeness("--version").out


def test_an_unknown_verb_is_answered_with_the_nearest(likeness) -> None:
    said = likeness("smaple")
    assert said.code == 2
    assert "did you mean sample" in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (ZeroDivisionError("oops"), 70, "a fault of ours, ZeroDivisionError: oops"),
        (KeyboardInterrupt(), 2, "interrupted"),
    ],
)
def test_a_fault_shows_no_traceback(likeness, monkeypatch, error, code, words) -> None:
    def fail(*_: object) -> int:
        raise error

    monkeypatch.setattr(cli, "_verb", fail)
    said = likeness("sample", "x")
    assert (said.code, said.out) == (code, "")
    assert words in said.err
    assert "Traceback" not in said.err


def test_debug_shows_where(likeness, monkeypatch) -> None:
    monkeypatch.setenv("LIKENESS_DEBUG", "1")
    with pytest.raises(ValueError, match="unknown command"):
        likeness("nonsense")
