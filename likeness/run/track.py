"""The course of a run: one JSON line a record, and the same numbers as TensorBoard events beside it."""

import json
import time
from pathlib import Path
from typing import Any

from likeness.errors import InputError


class Tracker:
    """Appends records to `metrics.jsonl` and to the TensorBoard events of a run folder.

    A record is `{"iteration": int, "kind": "terms" | "score" | "finding", "seconds": since the start, ...}`.
    """

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.folder = folder
        self.began = time.monotonic()
        self._lines = (folder / "metrics.jsonl").open("a", encoding="utf-8")
        self._events = SummaryWriter(str(folder / "events"))

    def record(self, kind: str, iteration: int, **values: Any) -> None:
        """Write one record; its numbers also become scalars named `kind/name`."""
        line = {"iteration": iteration, "kind": kind, "seconds": round(time.monotonic() - self.began, 3), **values}
        try:
            self._lines.write(json.dumps(line, allow_nan=False) + "\n")
            self._lines.flush()
        except OSError as error:
            raise InputError(f"cannot write {self._lines.name} ({error.strerror}): free some space") from error
        for name, value in values.items():
            if isinstance(value, int | float):
                self._events.add_scalar(f"{kind}/{name}", value, iteration)

    def close(self) -> None:
        self._lines.close()
        self._events.close()


def records(folder: Path, kind: str) -> list[dict[str, Any]]:
    """The records of one kind, oldest first; a last line cut short by a crash is left out."""
    path = folder / "metrics.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    whole = []
    for line in lines:
        try:
            whole.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return [r for r in whole if r["kind"] == kind]
