"""Devices and threads are checked before any work; warnings are sentences; tables go to standard output."""

import re
from functools import partial

import pytest
import torch
from rich.console import Console

from likeness.app import console
from likeness.errors import InputError
from likeness.findings import Finding


def test_the_device_is_one_that_exists() -> None:
    assert console.device("cpu") == "cpu"
    assert console.device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(InputError, match="device 'abacus' cannot be used"):
        console.device("abacus")


def test_threads_are_set_or_left() -> None:
    before = torch.get_num_threads()
    console.threads(None)
    assert torch.get_num_threads() == before
    with pytest.raises(InputError, match="threads 0"):
        console.threads(0)
    console.threads(before)


def test_numbers_go_to_stdout_and_words_to_stderr(capsys) -> None:
    console.table(["metric", "value"], [["frechet", "3.25"]])
    console.warn([Finding("a", "Seen.", "Try."), Finding("a", "Seen.", "Try.")])
    found = capsys.readouterr()
    assert "3.25" in found.out
    assert found.err == "! Seen. Try.\n"


def test_a_table_on_a_narrow_terminal_keeps_its_numbers_and_folds_the_first_word(capsys, monkeypatch) -> None:
    monkeypatch.setattr(console, "Console", partial(Console, force_terminal=True, width=40, no_color=True))
    console.table(["run", "score", "seconds"], [["a-very-long-name-of-a-run", "3.25", "123456"]])
    shown = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert "3.25" in shown
    assert "123456" in shown
    assert "…" not in shown
    assert "┃" not in shown
    assert max(map(len, shown.splitlines())) <= 40


def test_a_bar_off_a_terminal_says_a_line_now_and_then(capsys, monkeypatch) -> None:
    with console.progress("work", 10) as bar:
        bar.update(1)
        assert capsys.readouterr().err == ""
        bar.said -= 11
        bar.update(5, "loss 1")
        bar.stage(1, 2, "more")
    assert "work: 5/10" in capsys.readouterr().err
