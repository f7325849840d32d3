"""Options that need not be given show their kind of value; mistakes end with 2."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from likeness.app.options import parsed


@dataclass(frozen=True)
class Base:
    """Common."""

    out: Path | None = None
    """Where to."""


@dataclass(frozen=True)
class Options(Base):
    """Told."""

    kind: Literal["a", "b"] | None = None
    """Which."""
    rate: float = 0.5
    """How fast."""


def test_values_arrive_and_stay_none(capsys) -> None:
    assert parsed(Options, [], "x") == Options()
    given = parsed(Options, ["--out", "p", "--kind", "b", "--rate", "1"], "x")
    assert given == Options(out=Path("p"), kind="b", rate=1.0)


def test_help_shows_kinds_and_real_defaults(capsys) -> None:
    with pytest.raises(SystemExit):
        parsed(Options, ["--help"], "x")
    shown = capsys.readouterr().out
    assert "--out PATH" in shown
    assert "--kind {a,b}" in shown
    assert "(default: 0.5)" in shown
    assert "None" not in shown


def test_a_mistake_ends_with_two(capsys) -> None:
    with pytest.raises(SystemExit) as end:
        parsed(Options, ["--kind", "c"], "x")
    assert end.value.code == 2
    assert "c" in capsys.readouterr().err
