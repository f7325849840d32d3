"""Every fault of a storage is one line that names the remedy and never the password."""

import builtins
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import optuna
import pytest

from likeness.errors import InputError
from likeness.sweep.storage import faults, in_folder, opened, shown

SECRET = "s3cret-word"


def refused(url: str) -> str:
    with pytest.raises(InputError) as error, faults(url):
        opened(url)
    words = str(error.value)
    assert "\n" not in words
    assert SECRET not in words
    chain: BaseException | None = error.value.__cause__
    assert chain is None, "a traceback must not tell either"
    return words


def test_a_folder_keeps_its_trials(tmp_path: Path) -> None:
    url = in_folder(tmp_path)
    study = optuna.create_study(storage=opened(url), study_name="s")
    study.add_trial(optuna.create_trial(value=1.0))
    assert (tmp_path / "study.db").is_file()
    assert len(optuna.load_study(study_name="s", storage=opened(url)).trials) == 1


def test_two_may_make_the_tables_at_once(server: Any) -> None:
    url = server.database()
    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(lambda _: opened(url), range(4)))) == 4


def test_the_right_password_is_let_in_and_a_wrong_one_is_not_told(server: Any) -> None:
    opened_url = server.guarded("p%40ss%2Fword%3A1")
    with pytest.raises(InputError, match="may not create tables"):  # it is let in, and may do little
        opened(opened_url)
    assert "refuses this user and password" in refused(server.guarded(SECRET))


def test_a_server_that_is_not_there() -> None:
    assert "nothing answers there" in refused(f"postgresql://me:{SECRET}@127.0.0.1:1/db")
    assert "no host of that name" in refused(f"postgresql://me:{SECRET}@nowhere.invalid/db")


def test_a_database_that_is_not_there(server: Any) -> None:
    url = server.database().replace("/d", "/none_d")
    assert "no such database" in refused(url)


@pytest.mark.parametrize(
    ("url", "clue"),
    [
        (f"no url {SECRET}", "not the URL of a database"),
        (f"postgresql://me:{SECRET}@host:port/db", "not the URL of a database"),
        (f"postgresql://me:p@{SECRET}@host/db", "cannot be read"),
        (f"oddbase://me:{SECRET}@host/db", "no driver for the storage 'oddbase'"),
        (f"mysql+mysqldb://me:{SECRET}@host/db", "no driver for the storage 'mysql"),
        ("sqlite:////nowhere/at/all.db", "the file cannot be opened"),
    ],
)
def test_urls_that_cannot_work(url: str, clue: str) -> None:
    assert clue in refused(url)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("not a database at all" * 100)
    assert "no SQLite database" in refused(f"sqlite:///{tmp_path / 'text.db'}")


def test_without_optuna_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *others: Any, **more: Any) -> Any:
        if name == "optuna":
            raise ImportError(name)
        return real(name, *others, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"pip install 'likeness\[sweep\]'"):
        opened("sqlite://")


def test_what_is_shown_has_no_password() -> None:
    url = f"postgresql://me:{SECRET}@host:5433/db?sslpassword={SECRET}&password={SECRET}"
    assert shown(url) == "postgresql://me@host:5433/db"


def test_a_server_that_goes_away_is_told_of_too(server: Any) -> None:
    url = server.database()
    storage = opened(url)
    storage.engine.dispose()
    name = url.split("/")[3].split("?")[0]
    server.running.psql(f"drop database {name} with (force);")
    with pytest.raises(InputError, match="no such database"), faults(url):
        optuna.create_study(storage=storage, study_name="late")


def test_a_trial_that_waits_is_taken_by_one_worker_alone(tmp_path: Path) -> None:
    url, workers, each = f"sqlite:///{tmp_path / 's.db'}", 6, 5
    study = optuna.create_study(storage=opened(url), study_name="s")
    for _ in range(workers * each):
        study.add_trial(optuna.create_trial(state=optuna.trial.TrialState.WAITING))
    taken: list[int] = []
    together = threading.Barrier(workers)

    def ask() -> None:
        own = optuna.load_study(storage=opened(url), study_name="s")
        together.wait()
        taken.extend(own.ask().number for _ in range(each))

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda _: ask(), range(workers)))
    assert sorted(taken) == list(range(workers * each))
