"""The course of a run: one JSON line a record, and the same numbers wherever else they should be seen."""

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from likeness.errors import InputError
from likeness.files import replacing
from likeness.findings import Finding
from likeness.run.behind import Behind
from likeness.run.sinks import Record, Start, begin


class Tracker:
    """Appends records to `metrics.jsonl` of a run folder, and sends them to the sinks named, without waiting for them.

    A record is `{"iteration": int, "kind": "terms" | "score" | "finding" | "end", "seconds": since the start, ...}`;
    the last one is of the kind "end" where the training came to an end of its own, or failed in a way it could tell.

    Args:
        folder: the folder of the run.
        to: any of "tensorboard", "mlflow", "wandb"; "none" is nothing besides `metrics.jsonl`.
        name: what the run is called elsewhere; the name of its folder if not given.
        settings: logged as parameters.
        resumed_at: the step from which the run goes on: what was recorded beyond it is forgotten.
        elapsed: seconds the run had trained before.

    Raises:
        InputError: a sink is unknown, lacks its package, or nobody answers at its address; no record is touched.
    """

    def __init__(
        self,
        folder: Path,
        *,
        to: Sequence[str] = ("tensorboard",),
        name: str = "",
        settings: Mapping[str, Any] = {},
        resumed_at: int | None = None,
        elapsed: float = 0.0,
    ) -> None:
        self.folder = folder
        self._began, self._elapsed = time.monotonic(), elapsed
        self._last = resumed_at or 0
        self._sinks = [Behind(s) for s in begin(to, Start(folder, name or folder.name, settings, resumed_at))]
        if resumed_at is not None:
            forget(folder, resumed_at)
        self._lines = (folder / "metrics.jsonl").open("a", encoding="utf-8")

    @property
    def seconds(self) -> float:
        """The time the run has trained, with what it had before it was resumed."""
        return self._elapsed + time.monotonic() - self._began

    @property
    def findings(self) -> list[Finding]:
        """What went wrong with the sinks so far: one finding for each that failed."""
        return [sink.finding for sink in self._sinks if sink.finding is not None]

    def record(self, kind: str, iteration: int, **values: Any) -> None:
        """Write one record; its numbers also become metrics named `kind/name`.

        Raises:
            InputError: the disk is full.
        """
        self._write(kind, iteration, values)
        for sink in self._sinks:
            sink.write(Record(kind, iteration, time.time(), values))

    def close(self, *, failed: bool = False) -> None:
        """Send what is left; what a sink could not take becomes a finding in `metrics.jsonl`."""
        if self._lines.closed:
            return
        for sink in self._sinks:
            sink.close(failed)
        with suppress(InputError):  # a full disk is no reason to fail at the very end: `findings` has them too
            for finding in self.findings:
                self._write("finding", self._last, finding._asdict())
            self._write("end", self._last, {"failed": failed})
        self._lines.close()

    def _write(self, kind: str, iteration: int, values: Mapping[str, Any]) -> None:
        line = {"iteration": iteration, "kind": kind, "seconds": round(self.seconds, 3), **values}
        self._last = iteration
        try:
            self._lines.write(json.dumps(line, allow_nan=False) + "\n")
            self._lines.flush()
        except OSError as error:
            raise InputError(f"cannot write {self._lines.name} ({error.strerror}): free some space") from error


def records(folder: Path, kind: str | None = None) -> list[dict[str, Any]]:
    """The records of one kind (of all kinds if none is named), oldest first; a line cut short is left out."""
    path = folder / "metrics.jsonl"
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    whole = []
    for line in text.splitlines():
        try:
            found = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(found, dict) and {"kind", "iteration"} <= found.keys():
            whole.append(found)
    return [r for r in whole if kind in (None, r["kind"])]


def forget(folder: Path, beyond: int) -> None:
    """Keep the whole records up to a step, and nothing else; a run that goes on has not ended."""
    kept = [json.dumps(r) + "\n" for r in records(folder) if r["iteration"] <= beyond and r["kind"] != "end"]
    with replacing(folder / "metrics.jsonl") as beside:
        beside.write_text("".join(kept), encoding="utf-8")
