"""Several workers on one machine: processes that share nothing but the storage of the study."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import torch

from likeness.allocation import keep_freed
from likeness.data.dataset import Dataset
from likeness.errors import InputError
from likeness.judge.features import FeatureSpace
from likeness.recipes.pipeline import read
from likeness.recipes.spaces import space_for
from likeness.subnormals import flush
from likeness.sweep.plan import Plan, study_of
from likeness.sweep.storage import faults, opened
from likeness.sweep.trial import Tell, attempt
from likeness.sweep.work import POLL, told, work

LEAVING = 60  # seconds that a worker has to record its trial as interrupted


def alone(plan: Plan, study: Any, data: Dataset, space: FeatureSpace, tell: Tell) -> Generator[int, None, None]:
    """Carry out trials in this process; yields as `work` does."""

    def objective(trial: Any) -> float:
        return attempt(plan, data, space, trial, tell)

    return work(study, objective, plan.trials, grace=3 * plan.heartbeat)


def together(plan: Plan, url: str, workers: int) -> Generator[None, None, None]:
    """Start workers as processes; yields now and then until the last of them has ended.

    A worker that dies takes nothing with it but the trial under way, which another one carries out again. Closing the
    iterator, or an interrupt, ends the workers, and their trials are recorded as interrupted.

    Raises:
        InputError: a worker could not do its work, in its own words.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    made = [context.Process(target=_serve, args=(plan, url, os.getpid(), sender), daemon=True) for _ in range(workers)]
    try:
        with _deaf():
            for process in made:
                process.start()
        sender.close()
        while any(p.is_alive() for p in made):
            yield
            time.sleep(POLL)
    finally:
        _end(made)
    if (words := _last_words(receiver)) and not any(p.exitcode == 0 for p in made):
        raise InputError(words)


def _last_words(receiver: Connection) -> str | None:
    try:
        return receiver.recv() if receiver.poll() else None
    except EOFError:
        return None


def _end(processes: Sequence[BaseProcess]) -> None:
    for process in processes:
        if process.is_alive():
            process.terminate()
    for process in processes:
        if process.pid is not None:
            process.join(LEAVING)
            process.kill()
            process.join()


def _serve(plan: Plan, url: str, parent: int, sender: Connection) -> None:
    signal.signal(signal.SIGTERM, _interrupted)
    flush()
    keep_freed()
    if plan.settings.threads is not None:
        torch.set_num_threads(plan.settings.threads)
    try:
        with faults(url):
            _labour(plan, url, lambda: os.getppid() != parent)
    except KeyboardInterrupt:
        os._exit(0)
    except Exception as error:
        sender.send(told(error))
        os._exit(1)


def _interrupted(number: int, frame: object) -> None:
    """The first signal ends the work; another one must not disturb what is recorded then."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes started within do not hear Ctrl-C: it reaches all of a terminal, and they are ended by their parent."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _labour(plan: Plan, url: str, orphaned: Callable[[], bool]) -> None:
    s = plan.settings
    data = read(s)
    space = space_for(s.features, data, s.seed, s.device)
    study = study_of(plan, data, opened(url, heartbeat=plan.heartbeat))
    for _ in alone(plan, study, data, space, lambda words: None):
        if orphaned():
            return
