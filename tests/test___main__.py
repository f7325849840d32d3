"""`python -m likeness` is the command."""

import subprocess
import sys


def test_the_module_runs() -> None:
    done = subprocess.run([sys.executable, "-m", "likeness", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("likeness ")
