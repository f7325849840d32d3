"""Killed at twenty moments, ten of them inside a save, a run ends in the parameters of the undisturbed one."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[1] / "killing.py"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gan", "energy"])
def test_twenty_kills_change_nothing(kind: str, tmp_path: Path) -> None:
    np.save(tmp_path / "points.npy", np.random.default_rng(0).normal(size=(400, 2)).astype(np.float32))
    done = subprocess.run(
        [sys.executable, SCRIPT, kind, tmp_path, "0"], capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["kills"] == 20
    assert told["inside"] == 10
    assert told["same"], "the parameters differ from those of the undisturbed run"
