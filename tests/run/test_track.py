"""Records are lines, the same numbers are TensorBoard events, and a line cut short is no harm."""

from pathlib import Path

import pytest

from likeness.run.track import Tracker, records


def test_lines_and_events_agree(tmp_path: Path) -> None:
    tracker = Tracker(tmp_path)
    tracker.record("terms", 5, critic=1.5, generator=0.25)
    tracker.record("score", 5, metric="frechet", value=2.0)
    tracker.close()
    (line,) = records(tmp_path, "terms")
    assert (line["iteration"], line["critic"]) == (5, 1.5)

    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "events"))
    events.Reload()
    assert events.Scalars("terms/critic")[0].value == 1.5
    assert events.Scalars("score/value")[0].step == 5


def test_a_line_cut_short_is_left_out(tmp_path: Path) -> None:
    tracker = Tracker(tmp_path)
    tracker.record("terms", 1, a=1.0)
    tracker.close()
    with (tmp_path / "metrics.jsonl").open("a") as f:
        f.write('{"iteration": 2, "ki')
    assert len(records(tmp_path, "terms")) == 1
    assert records(tmp_path / "nowhere", "terms") == []


def test_nan_is_never_written(tmp_path: Path) -> None:
    tracker = Tracker(tmp_path)
    with pytest.raises(ValueError, match="JSON"):
        tracker.record("terms", 1, a=float("nan"))
    tracker.close()
    assert records(tmp_path, "terms") == []
