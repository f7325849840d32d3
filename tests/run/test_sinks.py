"""What is sent is named kind/name, sinks are known by name, and a run is remembered by the address it was sent to."""

import sys
from pathlib import Path

import pytest

from likeness.errors import InputError
from likeness.run.sinks import SINKS, Record, Start, begin, check, keep_run, known_run


def test_numbers_are_named_by_kind_and_a_metric_by_its_own_name() -> None:
    assert Record("terms", 1, 0.0, {"critic": 1, "note": "x"}).numbers == {"terms/critic": 1.0}
    score = Record("score", 1, 0.0, {"metric": "frechet", "value": 2.0, "low": 1.0})
    assert score.numbers == {"score/frechet": 2.0, "score/frechet_low": 1.0}
    assert not score.words


def test_a_finding_is_words() -> None:
    found = Record("finding", 7, 0.0, {"code": "chase", "saw": "It chases.", "remedy": "Use R1."})
    assert found.words == {"finding/chase": "step 7: It chases. Use R1."}
    assert not found.numbers


def test_runs_are_remembered_by_their_address(tmp_path: Path) -> None:
    assert known_run(tmp_path, "mlflow", "http://a") is None
    keep_run(tmp_path, "mlflow", "http://a", "1")
    keep_run(tmp_path, "wandb", "http://w", "2")
    assert known_run(tmp_path, "mlflow", "http://a") == "1"
    assert known_run(tmp_path, "wandb", "http://w") == "2"
    assert known_run(tmp_path, "mlflow", "http://b") is None


@pytest.mark.parametrize("package", ["mlflow", "wandb"])
def test_a_missing_package_is_one_line(package: str, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"pip install 'likeness\[{package}\]'"):
        check([package])


def test_names(tmp_path: Path) -> None:
    assert begin(["none"], Start(tmp_path, "x", {}, None)) == []
    with pytest.raises(InputError, match="unknown tracking 'mlfow': did you mean mlflow"):
        check(["none", "mlfow"])
    assert set(SINKS) == {"tensorboard", "mlflow", "wandb"}
