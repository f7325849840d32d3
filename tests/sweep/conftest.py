"""A real PostgreSQL server, plans of sweeps that take seconds, and workers in processes of their own."""

import multiprocessing
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from labour import labour

from likeness.recipes.common import recipe
from likeness.recipes.gan import Settings
from likeness.sweep.plan import Plan
from likeness.sweep.space import space_of

optuna.logging.set_verbosity(optuna.logging.CRITICAL)
HEARTBEAT = 1


class Server:
    """A server with a database for each test, and one user whose password it asks for."""

    def __init__(self, folder: Path) -> None:
        import pgserver  # absent only where its wheels are not built: Python 3.13 and later

        self.running = pgserver.get_server(folder, cleanup_mode="stop")
        self.folder, self.made = folder, 0
        self.running.psql("create role guarded login password 'p@ss/word:1';")
        rules = folder / "pg_hba.conf"
        rules.write_text("local all guarded scram-sha-256\n" + rules.read_text())
        self.running.psql("select pg_reload_conf();")

    def database(self) -> str:
        """The URL of a new one."""
        self.made += 1
        self.running.psql(f"create database d{self.made};")
        return self.running.get_uri(database=f"d{self.made}")

    def guarded(self, password: str) -> str:
        """The URL of the user with a password, escaped by the caller."""
        return f"postgresql://guarded:{password}@/postgres?host={self.folder}"


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    pytest.importorskip("pgserver", reason="NO POSTGRESQL: pip install pgserver, or the sweep is not tested for real")
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # a short path: a socket's may have 107 characters
    made = Server(folder)
    yield made
    made.running.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def plan(tmp_path: Path) -> Callable[..., Plan]:
    """A sweep of tiny networks on a few points of two clusters."""
    points = np.random.default_rng(0).normal(size=(600, 2)) + np.repeat([[-2, 0], [2, 0]], 300, 0)
    np.save(tmp_path / "points.npy", points.astype(np.float32))

    def make(search: tuple[str, ...] = ("lr_g", "lr_d"), **others: Any) -> Plan:
        fixed = {"data": str(tmp_path / "points.npy"), "steps": 20, "batch_size": 32, "width": 8}
        settings = Settings(device="cpu", report=False, **fixed | others.pop("settings", {}))
        space = space_of(recipe("gan"), search, set())
        given = {"name": "tiny", "folder": tmp_path / "sweep", "trials": 3, "heartbeat": HEARTBEAT}
        return Plan("gan", settings, space, **given | others)

    return make


@pytest.fixture
def worker() -> Iterator[Callable[..., BaseProcess]]:
    """Starts a worker on `slow` in a process of its own; those still alive at the end are killed."""
    started: list[BaseProcess] = []

    def start(url: str, trials: int, seconds: float) -> BaseProcess:
        process = multiprocessing.get_context("spawn").Process(target=labour, args=(url, "s", trials, seconds))
        process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        if process.is_alive() and process.pid is not None:
            os.kill(process.pid, signal.SIGKILL)
        process.join()
