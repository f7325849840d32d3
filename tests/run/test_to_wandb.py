"""Offline, as it is without a key: what is logged stands in the run folder, and nobody is ever asked for anything."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from likeness.errors import InputError
from likeness.run.sinks import check
from likeness.run.to_wandb import address, mode
from likeness.run.track import Tracker

wandb = pytest.importorskip("wandb", reason="tracking to Weights & Biases needs wandb")


@pytest.fixture(autouse=True)
def _no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_BASE_URL", "WANDB_PROJECT", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    wandb.teardown()  # what it has read of the environment
    yield
    wandb.teardown()


def entries(path: Path) -> Iterator[bytes]:
    """The entries of a file of wandb: a header of 7 bytes, then checksum, length and kind before each entry."""
    data, at = path.read_bytes(), 7
    while at + 7 < len(data):
        _, size, kind = struct.unpack("<IHB", data[at : at + 7])
        assert kind == 1, "an entry in one piece"
        yield data[at + 7 : at + 7 + size]
        at += 7 + size


def logged(folder: Path, kind: str) -> list[dict]:
    """What the offline files of a run folder hold of one kind, run by run."""
    from wandb.proto.wandb_internal_pb2 import Record

    found = []
    for path in sorted(folder.glob("wandb/offline-run-*/*.wandb")):
        for entry in entries(path):
            record = Record.FromString(entry)
            items = {
                "history": record.history.item,
                "config": record.run.config.update if record.HasField("run") else [],
                "summary": record.summary.update,
            }[kind]
            values = {"/".join(i.nested_key) or i.key: json.loads(i.value_json) for i in items}
            found += [values | {"run": path.stem}] if values else []
    return found


def test_without_a_key_all_is_written_offline(tmp_path: Path) -> None:
    assert mode() == "offline"
    first = Tracker(tmp_path, to=("wandb",), name="first", settings={"steps": 40, "patience": None})
    first.record("terms", 10, critic=1.5)
    first.record("finding", 10, code="chase", saw="It chases.", remedy="Use R1.")
    first.close()
    assert first.findings == []
    again = Tracker(tmp_path, to=("wandb",), name="first", settings={"steps": 50}, resumed_at=10)
    again.record("terms", 20, critic=2.5)
    again.close()
    points = logged(tmp_path, "history")
    assert sorted((r["iteration"], r["terms/critic"]) for r in points) == [(10, 1.5), (20, 2.5)]
    assert len({r["run"] for r in points}) == 1, "one run, continued"
    assert any("It chases." in str(r.get("finding/chase")) for r in logged(tmp_path, "summary"))
    assert {r["steps"] for r in logged(tmp_path, "config") if "steps" in r} == {40, 50}


def test_a_key_is_never_asked_for(monkeypatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "online")
    with pytest.raises(InputError, match=r"without a key for https://"):
        check(["wandb"])


def test_a_stored_key_is_found(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".netrc").write_text("machine api.wandb.ai login user password secret\n")
    (tmp_path / "home" / ".netrc").chmod(0o600)
    assert mode() == "online"
    monkeypatch.setenv("WANDB_BASE_URL", "https://here:8080")
    wandb.teardown()
    assert address() == "https://here:8080"
    assert mode() == "offline"


def test_a_server_that_is_away_is_one_line_without_the_key(tmp_path: Path, monkeypatch, capfd) -> None:
    monkeypatch.setenv("WANDB_INIT_TIMEOUT", "2")
    monkeypatch.setenv("WANDB_API_KEY", "0123456789" * 4)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    with pytest.raises(InputError, match=r"cannot track to Weights & Biases at http://127.0.0.1:9") as caught:
        Tracker(tmp_path, to=("wandb",))
    assert "0123456789" not in str(caught.value)
    assert capfd.readouterr() == ("", "")
