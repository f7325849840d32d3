"""A run's folder says what it is; a folder that is none is refused, and nothing on disk is overwritten."""

from pathlib import Path

import pytest

from likeness.errors import InputError
from likeness.run.folder import create, open_run


def test_a_run_opens_as_it_was_made(tmp_path: Path) -> None:
    made = create(tmp_path / "run", "gan", {"steps": 3}, {"event": [2]})
    run = open_run(tmp_path / "run")
    assert (run.recipe, run.settings, run.facts) == ("gan", {"steps": 3}, {"event": [2]})
    assert run.config == made.config
    with pytest.raises(InputError, match="holds no checkpoint"):
        run.newest()


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="already exists and is not empty"):
        create(tmp_path / "run", "gan", {}, {})
    assert (tmp_path / "run" / "mine.txt").read_text() == "mine"


def test_a_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        open_run(tmp_path / "none")
    with pytest.raises(InputError, match=r"is not a run \(it has no config.json\)"):
        open_run(tmp_path)
    (tmp_path / "config.json").write_text('{"recipe": "gan"}')
    with pytest.raises(InputError, match="lacks 'facts'"):
        open_run(tmp_path)
