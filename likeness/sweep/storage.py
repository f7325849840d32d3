"""Where trials are kept: any database that Optuna speaks to, with each fault in one line that tells no password."""

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likeness.errors import InputError
from likeness.sweep.work import again

if TYPE_CHECKING:
    from optuna.storages import RDBStorage
    from sqlalchemy import URL

PATIENCE = 10  # seconds that a server has to answer
TRIES = 10  # at making the tables
RACES = ("already exists", "duplicate key", "UNIQUE constraint", "deadlock", "database is locked")
FAULTS = {
    "password authentication failed": "the server refuses this user and password: check both",
    "no password supplied": "the server wants a password: give it in the URL, in PGPASSWORD or in ~/.pgpass",
    "pg_hba.conf": "the server lets nobody in from here as this user: see its pg_hba.conf",
    "refused": "nothing answers there: check host and port, and that the server runs",
    "timeout": "nothing answers there: check host and port, and that the server runs",
    "No such file": "nothing answers there: check host and port, and that the server runs",
    "resolve": "there is no host of that name: check it",
    "translate host": "there is no host of that name: check it",
    "does not exist": "there is no such database or user: make it, or check the name",
    "unable to open database": "the file cannot be opened: check that its folder exists and can be written",
    "readonly database": "the file cannot be written: check its permissions",
    "not a database": "the file is no SQLite database: choose another one",
    "permission denied": "this user may not create tables there: grant it, or use another database",
    "too many": "the server takes no more connections: try again later or with fewer workers",
}


def in_folder(folder: Path) -> str:
    """The URL of a SQLite file within the folder of a sweep."""
    return f"sqlite:///{folder.resolve() / 'study.db'}"


def shown(url: str) -> str:
    """The URL for a person: without password and options.

    Raises:
        InputError: it is no URL of a database.
    """
    from sqlalchemy import URL

    u = _parsed(url)
    host = u.host or str(u.query.get("host") or "") or None
    name = u.drivername.removesuffix("+psycopg")
    return URL.create(name, u.username, None, host, u.port, u.database).render_as_string()


def opened(url: str, *, heartbeat: int = 10) -> "RDBStorage":
    """The storage at a URL, its tables made if there are none.

    Args:
        url: as in `sqlite:///sweep.db` or `postgresql://user@host/database`.
        heartbeat: seconds from one sign of life of a running trial to the next; after three without one its worker is
            taken for dead.

    Raises:
        InputError: Optuna or the driver is missing; the URL is none; the server is not reached, or refuses.
    """
    parsed = _parsed(url)
    from sqlalchemy.exc import NoSuchModuleError

    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise InputError("--storage in memory keeps nothing and cannot be shared: write sqlite:///file.db")
    with faults(url):
        try:
            return _patiently(parsed, heartbeat)
        except (ImportError, NoSuchModuleError):
            remedy = "pip install 'likeness[sweep]' brings SQLite and PostgreSQL; for others install their driver"
            raise InputError(f"no driver for the storage {parsed.drivername!r}: {remedy}") from None
        except RuntimeError:  # so Optuna says that the tables are not of its version
            raise InputError(f"storage {shown(url)} was made by another version of Optuna: use another one") from None


def _patiently(parsed: "URL", heartbeat: int) -> "RDBStorage":
    from optuna.exceptions import ExperimentalWarning
    from optuna.storages import RDBStorage

    waits = {"timeout": 60} if parsed.get_backend_name() == "sqlite" else {"connect_timeout": PATIENCE}
    for left in reversed(range(TRIES)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ExperimentalWarning)
                storage = RDBStorage(
                    parsed.render_as_string(hide_password=False),
                    engine_kwargs={"connect_args": waits, "pool_pre_ping": True},
                    heartbeat_interval=heartbeat,
                    grace_period=3 * heartbeat,
                    heartbeat_stale_trial_callback=again,
                )
                if parsed.get_backend_name() == "sqlite":
                    _one_at_a_time(storage)
                return storage
        except Exception as error:  # others make the same tables at the same time
            if not left or not any(clue in str(error) for clue in RACES):
                raise
            time.sleep(0.2)
    raise AssertionError


def _one_at_a_time(storage: "RDBStorage") -> None:
    """SQLite knows no locks of rows: a trial that waits could be taken by two workers, which both see it waiting.

    A transaction locks the file from its beginning instead of from its first change.
    """
    from sqlalchemy import event

    event.listen(storage.engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))


@contextmanager
def faults(url: str) -> Iterator[None]:
    """Whatever goes wrong with the storage within is an InputError in one line."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        raise InputError(f"storage {shown(url)}: {_told(error)}") from None


def _told(error: BaseException) -> str:
    text = f"{error} {error.__cause__ or ''}"
    known = (words for clue, words in FAULTS.items() if clue in text)
    kind = type(getattr(error, "orig", None) or error.__cause__ or error).__name__
    return next(known, f"it cannot be used ({kind}): check the URL and the server; what was finished is kept")


def _parsed(url: str) -> "URL":
    try:
        import optuna  # noqa: F401
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError
    except ImportError:
        raise InputError("sweeps need Optuna, which is not installed: pip install 'likeness[sweep]'") from None
    how = "write postgresql://user@host:5432/database or sqlite:///file.db, with %40 for an @ in a password"
    try:
        parsed: Any = make_url(url)
    except (ArgumentError, ValueError):
        raise InputError(f"--storage is not the URL of a database: {how}") from None
    if "@" in (parsed.host or ""):
        raise InputError(f"--storage cannot be read: {how}")
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    return parsed
