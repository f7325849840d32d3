"""A wish to stop: SIGTERM and Ctrl-C are heard at the end of a step, so that a run can be saved first."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Wish:
    """Whether somebody wishes this process to stop."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def __bool__(self) -> bool:
        return self.signal is not None

    def hear(self, number: int, frame: FrameType | None) -> None:
        """The first signal is a wish, the second one an order."""
        if self.signal is not None:
            raise KeyboardInterrupt
        self.signal = number


@contextmanager
def heard() -> Iterator[Wish]:
    """Hear the signals as a wish; a signal that is ignored stays so, and a thread hears none."""
    wish = Wish()
    if threading.current_thread() is not threading.main_thread():
        yield wish
        return
    before = {s: signal.getsignal(s) for s in SIGNALS}
    mine = [s for s, handler in before.items() if handler not in (signal.SIG_IGN, None)]
    for s in mine:
        signal.signal(s, wish.hear)
    try:
        yield wish
    finally:
        for s in mine:
            signal.signal(s, before[s])
