"""A real MLflow server on a port of its own: what is sent arrives, a run goes on, and a dead server stops nobody."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from likeness.errors import InputError
from likeness.run.sinks import Start, check
from likeness.run.to_mlflow import begin, shown
from likeness.run.track import Tracker, records

mlflow = pytest.importorskip("mlflow", reason="tracking to MLflow needs mlflow")
pytest.importorskip("flask", reason="a server of MLflow needs flask")


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """`mlflow server` with a store in a folder; it can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        words = ["--host", "127.0.0.1", "--port", str(self.port), "--workers", "1", "--gunicorn-opts", "--threads 2"]
        store = ["--backend-store-uri", f"sqlite:///{self.folder / 'mlflow.db'}"]
        quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *words, *store],
            cwd=self.folder,
            env=os.environ | quiet | {"HOME": str(self.folder)},
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "server.log").open("ab"),
            start_new_session=True,
        )
        for _ in range(600):
            try:
                with urlopen(f"{self.address}/health", timeout=1):
                    return
            except OSError:
                assert self.process.poll() is None, (self.folder / "server.log").read_text()[-2000:]
                time.sleep(0.1)
        raise AssertionError((self.folder / "server.log").read_text()[-2000:])

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("mlflow"))
    yield server
    server.kill()


@pytest.fixture
def server(shared: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    if shared.process.poll() is not None:
        shared.start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", shared.address)
    return shared


def the_run(folder: Path):
    """The run of a folder as MLflow has it, by the name it has there."""
    import json

    return mlflow.MlflowClient().get_run(json.loads((folder / "tracking.json").read_text())["mlflow"]["run"])


def history(run, name: str) -> list[tuple[int, float]]:
    found = mlflow.MlflowClient().get_metric_history(run.info.run_id, name)
    return sorted({(m.step, m.value) for m in found})


def test_a_run_is_read_back_and_goes_on(server: Server, tmp_path: Path) -> None:
    settings = {"steps": 40, "loss": "hinge", "patience": None}
    first = Tracker(tmp_path, to=("mlflow",), name="first", settings=settings)
    for i in (10, 20, 30):
        first.record("terms", i, critic=i / 10, generator=0.5)
    first.record("score", 30, metric="frechet", value=2.0)
    first.record("finding", 30, code="chase", saw="It chases.", remedy="Use R1.")
    first.close(failed=True)
    assert first.findings == []
    run = the_run(tmp_path)
    assert (run.info.run_name, run.info.status) == ("first", "FAILED")
    assert run.data.params == {"steps": "40", "loss": "hinge"}
    assert history(run, "terms/critic") == [(10, 1.0), (20, 2.0), (30, 3.0)]
    assert history(run, "score/frechet") == [(30, 2.0)]
    assert run.data.tags["finding/chase"] == "step 30: It chases. Use R1."

    again = Tracker(tmp_path, to=("mlflow",), name="first", settings=settings | {"steps": 50}, resumed_at=20)
    assert the_run(tmp_path).info.status == "RUNNING"
    for i in (30, 40, 50):
        again.record("terms", i, critic=i / 10)
    again.close()
    resumed = the_run(tmp_path)
    assert resumed.info.run_id == run.info.run_id
    assert resumed.info.status == "FINISHED"
    assert history(resumed, "terms/critic") == [(i, i / 10) for i in (10, 20, 30, 40, 50)]
    assert (resumed.data.params["steps"], resumed.data.tags["changed/steps"]) == ("40", "50")


def test_more_than_one_request_holds(server: Server, tmp_path: Path) -> None:
    many = {f"a{i}": float(i) for i in range(1500)}
    tracker = Tracker(tmp_path, to=("mlflow",), settings=dict.fromkeys(many, "x" * 6000))
    tracker.record("terms", 1, **many)
    tracker.close()
    assert tracker.findings == []
    run = the_run(tmp_path)
    assert len(run.data.metrics) == len(run.data.params) == 1500


def test_names_that_mlflow_does_not_know_are_spelt_otherwise(server: Server, tmp_path: Path) -> None:
    tracker = Tracker(tmp_path, to=("mlflow",))
    tracker.record("terms", 1, **{"KL(p‖q)": 1.0})
    tracker.close()
    assert history(the_run(tmp_path), "terms/KL_p_q_") == [(1, 1.0)]


def test_a_server_killed_half_way_stops_nothing_and_its_return_loses_nothing(server: Server, tmp_path: Path) -> None:
    tracker = Tracker(tmp_path, to=("mlflow", "tensorboard"))
    tracker.record("terms", 1, a=1.0)
    while not the_run(tmp_path).data.metrics:
        time.sleep(0.05)
    server.kill()
    began = time.monotonic()
    for i in range(2, 12):
        tracker.record("terms", i, a=float(i))
    assert time.monotonic() - began < 0.5
    while not tracker.findings:
        time.sleep(0.05)
    (finding,) = tracker.findings
    assert server.address in finding.saw
    server.start()
    tracker.close()
    assert [r["iteration"] for r in records(tmp_path, "terms")] == list(range(1, 12))
    assert history(the_run(tmp_path), "terms/a") == [(i, float(i)) for i in range(1, 12)]


def test_a_server_that_stays_away_is_one_finding(server: Server, tmp_path: Path) -> None:
    tracker = Tracker(tmp_path, to=("mlflow",))
    server.kill()
    for i in range(10):
        tracker.record("terms", i, a=0.0)
    began = time.monotonic()
    tracker.close()
    assert time.monotonic() - began < 11.0
    (finding,) = tracker.findings
    assert "10 of 10 records have not arrived" in finding.remedy
    assert [r["code"] for r in records(tmp_path, "finding")] == ["tracking-lost"]


def test_nobody_at_the_address_is_one_line_before_any_work(tmp_path: Path, monkeypatch) -> None:
    port = free_port()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:secret@127.0.0.1:{port}")
    began = time.monotonic()
    with pytest.raises(InputError, match=f"http://127.0.0.1:{port} .*no MLflow server answers there") as caught:
        Tracker(tmp_path, to=("tensorboard", "mlflow"))
    assert time.monotonic() - began < 5.0
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_an_address_that_never_answers_is_given_up(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(InputError, match="does not answer in time"):
            Tracker(tmp_path, to=("mlflow",))


def test_a_run_that_the_server_lost_is_named(server: Server, tmp_path: Path) -> None:
    begin(Start(tmp_path, "x", {}, None)).close(False)
    text = (tmp_path / "tracking.json").read_text()
    run = the_run(tmp_path).info.run_id
    (tmp_path / "tracking.json").write_text(text.replace(run, "0" * 32))
    with pytest.raises(InputError, match=r"has no run 0000.*tracking\.json"):
        begin(Start(tmp_path, "x", {}, 10))


def test_what_the_server_threw_away_is_named(server: Server, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "gone")
    begin(Start(tmp_path, "x", {}, None)).close(False)
    run, client = the_run(tmp_path), mlflow.MlflowClient()
    client.delete_run(run.info.run_id)
    with pytest.raises(InputError, match="has no run"):
        begin(Start(tmp_path, "x", {}, 10))
    client.delete_experiment(run.info.experiment_id)
    with pytest.raises(InputError, match=r"it answers 400.*MLFLOW_EXPERIMENT_NAME"):
        begin(Start(tmp_path / "new", "x", {}, None))


def test_without_a_server_it_is_the_local_store(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    tracker = Tracker(tmp_path / "run", to=("mlflow",))
    tracker.record("terms", 1, a=2.0)
    tracker.close()
    assert tracker.findings == []
    assert history(the_run(tmp_path / "run"), "terms/a") == [(1, 2.0)]


def test_passwords_are_never_shown() -> None:
    assert shown("https://me:secret@host:1/path?token=secret#x") == "https://host:1/path"
    assert shown("postgresql://me:s@cret@host/db?password=x") == "postgresql://host/db"
    assert shown("sqlite:///mlflow.db") == "sqlite:///mlflow.db"


def test_an_address_of_no_known_kind_is_one_line(monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "gopher://me:secret@host")
    with pytest.raises(InputError, match=r"gopher://host .*correct MLFLOW_TRACKING_URI") as caught:
        check(["mlflow"])
    assert "secret" not in str(caught.value)
