"""One process at a time; the lock goes with the process that held it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from likeness.errors import InputError
from likeness.run.lock import lock, locked

HOLD = """
import sys, time
from pathlib import Path
from likeness.run.lock import lock
with lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_second_is_refused_by_name_and_the_lock_dies_with_its_owner(tmp_path: Path) -> None:
    assert not locked(tmp_path)
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        owner.stdout.readline()
        assert locked(tmp_path)
        with pytest.raises(InputError, match=f"in use by process {owner.pid} on "), lock(tmp_path):
            pass
        owner.send_signal(signal.SIGKILL)
    assert not locked(tmp_path)
    with lock(tmp_path):
        assert locked(tmp_path)
        assert str(os.getpid()) in (tmp_path / ".lock").read_text()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write"), lock(tmp_path / "missing"):
        pass
