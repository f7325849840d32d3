"""Records sent by a thread of their own, so that a slow or absent server never holds up a training.

What could not be sent is kept and tried again now and then, and once more at the end.
"""

from threading import Condition, Thread

from likeness.findings import Finding
from likeness.run.sinks import Record, Sink

LARGEST = 10_000  # records that are kept for a server that does not answer


class Behind:
    """Writes to a sink without waiting for it.

    Args:
        patience: seconds that closing waits at most.
        again: seconds after a failure until the next attempt.
    """

    def __init__(self, sink: Sink, *, patience: float = 10.0, again: float = 30.0) -> None:
        self.sink, self.patience, self.again = sink, patience, again
        self._waiting: list[Record] = []
        self._given = self._sent = 0
        self._trouble: str | None = None  # the name of the first error
        self._closing = self._failed = False
        self._changed = Condition()
        self._thread = Thread(target=self._work, name=f"tracking to {sink.where}", daemon=True)
        self._thread.start()

    def write(self, record: Record) -> None:
        with self._changed:
            self._waiting.append(record)
            del self._waiting[:-LARGEST]
            self._given += 1
            self._changed.notify()

    def close(self, failed: bool) -> None:
        """Send what is left, within the patience; a server that takes longer is left behind."""
        with self._changed:
            self._closing, self._failed = True, failed
            self._changed.notify()
        self._thread.join(self.patience)

    @property
    def finding(self) -> Finding | None:
        """What went wrong so far, if something did; the message names no more than the kind of the error."""
        missing = self._given - self._sent
        if self._trouble is None and not (self._closing and missing):
            return None
        saw = f"Tracking to {self.sink.where} failed ({self._trouble or 'no answer in time'})."
        rest = f"{missing} of {self._given} records have not arrived" if missing else "All records arrived in the end"
        return Finding("tracking-lost", saw, f"{rest}; metrics.jsonl in the run folder holds everything.")

    def _work(self) -> None:
        ended = False
        while not ended:
            batch = self._next()
            try:
                if batch:
                    self.sink.write(batch)
                else:
                    self.sink.close(self._failed)
            except Exception as error:  # whatever a foreign package raises, the training goes on
                ended = self._keep(batch, error)
            else:
                self._sent += len(batch)
                ended = not batch

    def _next(self) -> list[Record]:
        """What waits to be sent; nothing when all is sent and no more will come."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            batch, self._waiting = self._waiting, []
            return batch

    def _keep(self, batch: list[Record], error: Exception) -> bool:
        """Keep what could not be sent, and wait for the next attempt; whether this was the last one."""
        with self._changed:
            self._waiting = (batch + self._waiting)[-LARGEST:]
            self._trouble = self._trouble or type(error).__name__
            last = self._closing
            self._changed.wait_for(lambda: self._closing, timeout=self.again)
            return last
