"""What can go is chosen cautiously, and what goes is gone by name before it is gone from the disk."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from likeness.errors import InputError
from likeness.run.lock import lock
from likeness.run.prune import chosen, remains, remove, size, training_state
from likeness.run.registry import Entry

NOW = datetime(2030, 1, 31, tzinfo=UTC)


def run(name: str, score: float | None = None, state: str = "finished", age: float | None = 1, **more) -> Entry:
    begun = None if age is None else NOW - timedelta(days=age)
    about = {"metric": "frechet", "fingerprint": "abc"} | more
    return Entry(Path(name), name, state, score=score, begun=begun, **about)


def names(runs: list[Entry]) -> list[str]:
    return [r.name for r in runs]


def test_the_best_stay_of_each_kind_that_can_be_compared() -> None:
    runs = [run("a", 1.0), run("b", 2.0), run("c", 0.5), run("none"), run("other", 9.0, fingerprint="x")]
    runs += [run("space", 9.0, settings={"features": "pca"}), run("metric", 9.0, metric="kernel")]
    assert names(chosen(runs, keep_best=2)) == ["b"]
    assert names(chosen(runs, keep_best=1)) == ["a", "b"]
    assert names(chosen(runs, keep_best=0)) == [r.name for r in runs if r.name != "none"]


def test_age_is_counted_from_the_beginning_and_a_future_is_not_old() -> None:
    runs = [run("old", age=10), run("new", age=3), run("unknown", age=None), run("future", age=-100)]
    assert names(chosen(runs, older_than=5, now=NOW)) == ["old"]
    assert names(chosen(runs, older_than=0, now=NOW)) == ["old", "new"]


def test_running_and_damaged_runs_always_stay() -> None:
    runs = [run(s, 1.0, s, age=99) for s in ("running", "damaged", "finished", "stopped", "crashed")]
    assert names(chosen(runs)) == ["finished", "stopped", "crashed"]
    assert names(chosen(runs, states=("running", "damaged", "crashed"))) == ["crashed"]
    assert names(chosen(runs, keep_best=0, older_than=5, now=NOW)) == ["finished", "stopped", "crashed"]


def test_conditions_add_up() -> None:
    runs = [run("a", 1.0, age=9), run("b", 2.0, age=9), run("c", 3.0, age=1), run("d", 4.0, "crashed", age=9)]
    assert names(chosen(runs, keep_best=1, older_than=5, states=("finished",), now=NOW)) == ["b"]


def filled(folder: Path) -> Path:
    (folder / "sub").mkdir(parents=True)
    (folder / "config.json").write_text("x" * 10)
    (folder / "sub" / "weights").write_text("x" * 90)
    return folder


def test_a_run_goes_and_what_it_links_to_stays(tmp_path: Path) -> None:
    folder, outside = filled(tmp_path / "runs" / "a"), filled(tmp_path / "outside")
    (folder / "link").symlink_to(outside)
    assert size(outside) == 100
    assert size(folder) < 300
    remove(folder, folder)
    assert not list((tmp_path / "runs").iterdir())
    assert (outside / "sub" / "weights").exists()


def test_a_removal_cut_short_leaves_nothing_under_the_name_and_is_found(tmp_path: Path, monkeypatch) -> None:
    folder = filled(tmp_path / "a")
    filled(tmp_path / "b" / "state")
    (tmp_path / "link").symlink_to(tmp_path / "b")

    def cut(path: Path) -> None:
        (path / "config.json").unlink()
        raise OSError("killed")

    with monkeypatch.context() as m:
        m.setattr(shutil, "rmtree", cut)
        for owner, path in ((folder, folder), (tmp_path / "b", tmp_path / "b" / "state")):
            with pytest.raises(InputError, match="cannot remove"):
                remove(owner, path)
    assert not folder.exists()
    left = remains(tmp_path)
    assert [p.name for p in left] == [".a.likeness-pruned", ".state.likeness-pruned"]
    for path in left:
        remove(path.parent, path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b", "link"]
    assert remains(tmp_path) == []


def test_a_run_in_use_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = filled(tmp_path / "a")
    with lock(folder), pytest.raises(InputError, match="in use"):
        monkeypatch.setattr("likeness.run.lock._held", set())  # as if another process held it
        remove(folder, folder)
    assert (folder / "sub" / "weights").exists()


def test_training_state_is_not_followed_out(tmp_path: Path) -> None:
    inside, outside, none = (filled(tmp_path / n) for n in ("inside", "outside", "none"))
    (inside / "state").mkdir()
    (outside / "state").symlink_to(tmp_path)
    found = [training_state(Entry(f, f.name, "finished")) for f in (inside, outside, none)]
    assert found == [inside / "state", None, None]
