"""The first signal is a wish, the second an order; who did not listen before does not listen now."""

import os
import signal
import threading

import pytest

from likeness.run.stop import heard


@pytest.fixture(autouse=True)
def _interruptible() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_a_wish(number: int) -> None:
    before = signal.getsignal(number)
    with heard() as wish:
        assert not wish
        os.kill(os.getpid(), number)
        assert wish
        assert wish.signal == number
    assert signal.getsignal(number) == before


def test_the_second_signal_is_an_order() -> None:
    with heard(), pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)


def test_what_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with heard() as wish:
        os.kill(os.getpid(), signal.SIGINT)
        assert not wish


def test_a_thread_hears_nothing() -> None:
    found = []

    def inside() -> None:
        with heard() as wish:
            found.append(bool(wish))

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert found == [False]
