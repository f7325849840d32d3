"""Findings are text beside the scalars, and what lies beyond a resumed step is purged."""

import time
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from likeness.run.sinks import Record, Start
from likeness.run.to_tensorboard import begin


def test_scalars_and_text(tmp_path: Path) -> None:
    sink = begin(Start(tmp_path, "x", {}, None))
    found = {"code": "chase", "saw": "It chases.", "remedy": "Use R1."}
    sink.write([Record("terms", 3, 50.0, {"a": 0.5}), Record("finding", 4, 51.0, found)])
    sink.close(False)
    events = EventAccumulator(str(tmp_path / "events"))
    events.Reload()
    (scalar,) = events.Scalars("terms/a")
    assert (scalar.step, scalar.value, scalar.wall_time) == (3, 0.5, 50.0)
    (text,) = events.Tensors("finding/chase/text_summary")
    assert b"It chases." in text.tensor_proto.string_val[0]


def test_the_future_of_a_resumed_run_is_purged(tmp_path: Path) -> None:
    for resumed_at, steps in ((None, (1, 2, 3)), (2, (3, 4))):
        time.sleep(1.01)  # files of one second and one process come in the order of a number that is not padded
        sink = begin(Start(tmp_path, "x", {}, resumed_at))
        sink.write([Record("terms", i, 50.0, {"a": float(i)}) for i in steps])
        sink.close(False)
    events = EventAccumulator(str(tmp_path / "events"))
    events.Reload()
    assert [e.step for e in events.Scalars("terms/a")] == [1, 2, 3, 4]
