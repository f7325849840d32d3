"""Nobody waits for a sink: a slow one is left behind, and one that comes back gets everything."""

import time
from collections.abc import Callable, Sequence
from threading import Event

from likeness.run.behind import LARGEST, Behind
from likeness.run.sinks import Record


class Recorder:
    """A sink that remembers, and does first what it is told to."""

    where = "the recorder"

    def __init__(self, first: Callable[[], object] = lambda: None) -> None:
        self.seen: list[int] = []
        self.closed: list[bool] = []
        self.first = first

    def write(self, records: Sequence[Record]) -> None:
        self.first()
        self.seen += [r.iteration for r in records]

    def close(self, failed: bool) -> None:
        self.closed.append(failed)


def record(i: int) -> Record:
    return Record("terms", i, 0.0, {"a": 1.0})


def test_all_arrive_in_order_and_then_it_is_closed() -> None:
    sink = Recorder()
    behind = Behind(sink)
    for i in range(100):
        behind.write(record(i))
    behind.close(True)
    assert sink.seen == list(range(100))
    assert sink.closed == [True]
    assert behind.finding is None


def test_nobody_waits_for_a_sink_that_hangs() -> None:
    never = Event()
    behind = Behind(Recorder(never.wait), patience=0.2)
    began = time.monotonic()
    for i in range(1000):
        behind.write(record(i))
    assert time.monotonic() - began < 0.2
    behind.close(False)
    assert time.monotonic() - began < 1.0
    assert behind.finding is not None
    assert "no answer in time" in behind.finding.saw
    assert "1000 of 1000" in behind.finding.remedy
    never.set()


def test_what_failed_is_sent_when_it_can_be() -> None:
    away = [ConnectionError()] * 2

    def fail() -> None:
        if away:
            raise away.pop()

    sink = Recorder(fail)
    behind = Behind(sink, again=0.01)
    for i in range(20):
        behind.write(record(i))
        time.sleep(0.002)
    behind.close(False)
    assert sink.seen == list(range(20))
    assert behind.finding is not None
    assert "ConnectionError" in behind.finding.saw
    assert behind.finding.remedy.startswith("All records arrived")


def test_closing_tries_once_more_and_no_more() -> None:
    calls = []

    def fail() -> None:
        calls.append(1)
        raise ConnectionError

    behind = Behind(Recorder(fail), again=100.0)
    behind.write(record(1))
    while behind.finding is None:
        time.sleep(0.001)
    began = time.monotonic()
    behind.close(False)
    assert time.monotonic() - began < 1.0
    assert len(calls) == 2
    assert behind.finding is not None
    assert "1 of 1" in behind.finding.remedy


def test_the_newest_are_kept_for_a_sink_that_is_away_for_long() -> None:
    begun, away = Event(), Event()

    def wait() -> None:
        begun.set()
        away.wait()

    sink = Recorder(wait)
    behind = Behind(sink)
    behind.write(record(-1))
    begun.wait()
    for i in range(LARGEST + 5):
        behind.write(record(i))
    away.set()
    behind.close(False)
    assert sink.seen == [-1, *range(5, LARGEST + 5)]
    assert behind.finding is not None
    assert f"5 of {LARGEST + 6}" in behind.finding.remedy
