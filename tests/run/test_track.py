"""Records are lines, the same numbers are TensorBoard events, a torn line is no harm, a resumed run has one past."""

import json
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from likeness.errors import InputError
from likeness.run import to_tensorboard
from likeness.run.track import Tracker, records


def scalars(folder: Path, name: str) -> list[tuple[int, float]]:
    events = EventAccumulator(str(folder / "events"))
    events.Reload()
    return [(e.step, e.value) for e in events.Scalars(name)]


def test_lines_and_events_agree(tmp_path: Path) -> None:
    tracker = Tracker(tmp_path)
    tracker.record("terms", 5, critic=1.5, generator=0.25)
    tracker.record("score", 5, metric="frechet", value=2.0, low=1.5, high=2.5)
    tracker.close()
    (line,) = records(tmp_path, "terms")
    assert (line["iteration"], line["critic"]) == (5, 1.5)
    assert [r["kind"] for r in records(tmp_path)] == ["terms", "score", "end"]
    assert scalars(tmp_path, "terms/critic") == [(5, 1.5)]
    assert scalars(tmp_path, "score/frechet") == [(5, 2.0)]
    assert scalars(tmp_path, "score/frechet_low") == [(5, 1.5)]


def test_lines_are_written_whatever_else_is(tmp_path: Path) -> None:
    tracker = Tracker(tmp_path, to=("none",))
    tracker.record("terms", 1, a=1.0)
    tracker.close()
    assert len(records(tmp_path, "terms")) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["metrics.jsonl"]


def test_a_line_cut_short_is_left_out(tmp_path: Path) -> None:
    tracker = Tracker(tmp_path)
    tracker.record("terms", 1, a=1.0)
    tracker.close()
    with (tmp_path / "metrics.jsonl").open("ab") as f:
        f.write(b'{"iteration": 2, "ki\xc3')
    assert len(records(tmp_path, "terms")) == 1
    assert records(tmp_path / "nowhere", "terms") == []


def test_nan_is_never_written(tmp_path: Path) -> None:
    tracker = Tracker(tmp_path)
    with pytest.raises(ValueError, match="JSON"):
        tracker.record("terms", 1, a=float("nan"))
    tracker.close()
    assert records(tmp_path, "terms") == []


def test_a_resumed_run_has_one_past(tmp_path: Path) -> None:
    before = Tracker(tmp_path)
    for i in (10, 20, 30):
        before.record("terms", i, a=float(i))
    before.close()
    with (tmp_path / "metrics.jsonl").open("a") as f:
        f.write('{"iteration": 40, "ki')
    after = Tracker(tmp_path, resumed_at=20, elapsed=100.0)
    assert [r["iteration"] for r in records(tmp_path)] == [10, 20]
    assert 100.0 <= after.seconds < 160.0
    after.record("terms", 30, a=-30.0)
    after.close()
    text = (tmp_path / "metrics.jsonl").read_text()
    assert [json.loads(line).get("a") for line in text.splitlines()] == [10.0, 20.0, -30.0, None]
    assert records(tmp_path)[-1]["seconds"] >= 100.0
    assert scalars(tmp_path, "terms/a") == [(10, 10.0), (20, 20.0), (30, -30.0)]


def test_an_unknown_name_is_refused_before_anything_is_touched(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean tensorboard"):
        Tracker(tmp_path, to=("tensorbord",), resumed_at=0)
    assert not list(tmp_path.iterdir())


def test_a_sink_that_fails_becomes_one_finding_and_stops_nothing(tmp_path: Path, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise ConnectionError("secret")

    monkeypatch.setattr(to_tensorboard.TensorBoard, "write", fail)
    tracker = Tracker(tmp_path)
    for i in range(5):
        tracker.record("terms", i, a=0.0)
    tracker.close()
    (finding,) = tracker.findings
    assert "5 of 5 records" in str(finding)
    assert "secret" not in str(finding)
    assert len(records(tmp_path, "terms")) == 5
    assert [r["code"] for r in records(tmp_path, "finding")] == ["tracking-lost"]


def test_the_last_record_says_how_it_ended(tmp_path: Path) -> None:
    for failed in (False, True):
        tracker = Tracker(tmp_path, to=(), resumed_at=5)
        assert records(tmp_path, "end") == []
        tracker.close(failed=failed)
        tracker.close()
        (end,) = records(tmp_path, "end")
        assert (end["iteration"], end["failed"]) == (5, failed)
