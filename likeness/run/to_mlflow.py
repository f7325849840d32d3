"""The course of a run at an MLflow server (the extra `mlflow`), or in MLflow's own local store.

The address is that of MLFLOW_TRACKING_URI, else MLflow's local default, the file mlflow.db; the experiment is that of
MLFLOW_EXPERIMENT_NAME, else `likeness`. https://mlflow.org/docs/latest/ml/tracking
"""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from likeness.errors import InputError
from likeness.run.sinks import Record, Start, keep_run, known_run, lacks, setting

METRICS, TAGS, TEXT = 900, 90, 5000  # what one request may hold: metrics, tags or parameters; characters of a text


class MLflow:
    """Settings are parameters, numbers are metrics `kind/name` whose step is the iteration, findings are tags."""

    def __init__(self, start: Start) -> None:
        self._client, address = _client()
        self.where = f"MLflow at {shown(address)}"
        known = known_run(start.folder, "mlflow", shown(address)) if start.resumed_at is not None else None
        try:
            self._run = self._goes_on(known, start.folder) if known else self._new(start.name)
            keep_run(start.folder, "mlflow", shown(address), self._run)
            self._say(start.settings, before=self._client.get_run(self._run).data.params)
        except InputError:
            raise
        except Exception as error:  # each kind of store raises its own
            raise _unreachable(address, error) from None

    def write(self, records: Sequence[Record]) -> None:
        from mlflow.entities import Metric, RunTag

        found = [(r, name, value) for r in records for name, value in r.numbers.items()]
        metrics = [Metric(_name(name), value, int(r.at * 1000), r.iteration) for r, name, value in found]
        tags = [RunTag(_name(name), text[:TEXT]) for r in records for name, text in r.words.items()]
        self._send("metrics", metrics, METRICS)
        self._send("tags", tags, TAGS)

    def close(self, failed: bool) -> None:
        self._client.set_terminated(self._run, "FAILED" if failed else "FINISHED")

    def _new(self, name: str) -> str:
        wanted = os.environ.get("MLFLOW_EXPERIMENT_NAME", "likeness")
        known = self._client.get_experiment_by_name(wanted)
        experiment = self._experiment(wanted) if known is None else known.experiment_id
        return self._client.create_run(experiment, run_name=name).info.run_id

    def _experiment(self, name: str) -> str:
        try:
            return self._client.create_experiment(name)
        except Exception:
            made = self._client.get_experiment_by_name(name)
            if made is None:
                raise
            return made.experiment_id  # by another process, just now

    def _goes_on(self, run: str, folder: Path) -> str:
        try:
            known = self._client.get_run(run).info.lifecycle_stage == "active"
        except Exception as error:
            if _status(error) != 404:
                raise
            known = False
        if not known:
            remedy = f"remove {folder / 'tracking.json'} to begin anew"
            raise InputError(f"{self.where} has no run {run} any more: {remedy}")
        self._client.update_run(run, status="RUNNING")
        return run

    def _say(self, settings: Mapping[str, Any], before: Mapping[str, str]) -> None:
        """Settings as parameters. MLflow never changes one, so those that a resumed run has anew become tags."""
        from mlflow.entities import Param, RunTag

        told = {_name(k): str(v)[:TEXT] for k, v in settings.items() if v is not None}
        new = [Param(k, v) for k, v in told.items() if k not in before]
        changed = [RunTag(f"changed/{k}", v) for k, v in told.items() if k in before and before[k] != v]
        self._send("params", new, TAGS)
        self._send("tags", changed, TAGS)

    def _send(self, kind: str, items: Sequence[object], most: int) -> None:
        for i in range(0, len(items), most):
            self._client.log_batch(self._run, **{kind: items[i : i + most]}, synchronous=True)


def check() -> None:
    """Raises InputError where MLflow is not installed or nobody answers at its address."""
    client, address = _client()
    try:
        client.search_experiments(max_results=1)
    except Exception as error:  # each kind of store raises its own
        raise _unreachable(address, error) from None


def begin(start: Start) -> MLflow:
    return MLflow(start)


def shown(address: str) -> str:
    """An address without the user, password and query that may be part of it."""
    parts = urlsplit(address)
    if not parts.netloc:
        return address.partition("?")[0]
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _client() -> tuple[Any, str]:
    setting("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")  # we try again ourselves, and without making anyone wait
    setting("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    setting("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    setting("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        import mlflow
    except ImportError:
        raise lacks("mlflow") from None
    address = mlflow.get_tracking_uri()
    try:
        return mlflow.MlflowClient(address), address
    except Exception as error:  # an address of no known kind, or a package that its kind of store needs
        raise _unreachable(address, error) from None


def _unreachable(address: str, error: Exception) -> InputError:
    status, web = _status(error), urlsplit(address).scheme in ("http", "https")
    if status in (401, 403):
        why, remedy = "it refuses the credentials", "check MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
    elif web and status is not None and status < 500:
        why, remedy = f"it answers {status}", "check MLFLOW_TRACKING_URI and MLFLOW_EXPERIMENT_NAME"
    elif "timed out" in str(error):
        why, remedy = "it does not answer in time", "check the server"
    elif web:
        why, remedy = "no MLflow server answers there", "start it with `mlflow server`, or correct MLFLOW_TRACKING_URI"
    else:
        why, remedy = f"{type(error).__name__}", "correct MLFLOW_TRACKING_URI"
    return InputError(f"cannot track to MLflow at {shown(address)} ({why}): {remedy}, or track without mlflow")


def _status(error: Exception) -> int | None:
    get = getattr(error, "get_http_status_code", None)
    return get() if get else None


def _name(name: str) -> str:
    """MLflow knows letters, digits and `_-. /` in names."""
    return re.sub(r"[^\w./ -]", "_", name, flags=re.ASCII)
