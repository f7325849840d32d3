"""The command line as a person calls it, and one small run that the tests share."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from likeness.app.cli import main


class Said(NamedTuple):
    """What a command gave back."""

    code: int
    out: str
    err: str


@pytest.fixture
def likeness(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Runs the command line in this process."""

    def call(*words: object) -> Said:
        capsys.readouterr()
        try:
            code = main([str(w) for w in words])
        except SystemExit as end:
            code = int(end.code or 0)
        found = capsys.readouterr()
        return Said(code, found.out, found.err)

    return call


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a few steps on images; the checkpoints are real, the draws are not yet any good."""
    folder = tmp_path_factory.mktemp("runs") / "digits"
    small = ["--steps", 12, "--batch-size", 16, "--width", 8, "--judge-every", 6, "--features", "pca", "--no-report"]
    words = ["train", "gan", "--data", "digits", "--device", "cpu", "--out", folder, *small]
    assert main([str(w) for w in words]) == 0
    return folder


@pytest.fixture(scope="session")
def trained_on_rings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a few steps on points in the plane."""
    folder = tmp_path_factory.mktemp("runs") / "rings"
    small = ["--steps", 300, "--batch-size", 64, "--width", 32, "--no-report"]
    words = ["train", "gan", "--data", "ring8", "--device", "cpu", "--out", folder, *small]
    assert main([str(w) for w in words]) == 0
    return folder


@pytest.fixture(scope="session")
def with_codes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of an autoencoder of digits, short, and yet better than the mean."""
    folder = tmp_path_factory.mktemp("runs") / "codes"
    small = [
        "--network",
        "dense",
        "--steps",
        250,
        "--width",
        64,
        "--judge-every",
        125,
        "--features",
        "pca",
        "--no-report",
    ]
    words = ["train", "autoencoder", "--data", "digits", "--device", "cpu", "--out", folder, *small]
    assert main([str(w) for w in words]) == 0
    return folder


@pytest.fixture
def apart(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts the command line in a process of its own, in the test's folder."""

    def start(*words: object) -> subprocess.Popen[str]:
        listen = "signal.signal(signal.SIGINT, signal.default_int_handler)"  # a shell's background job ignores it
        code = f"import signal, sys; {listen}; from likeness.app.cli import main; sys.exit(main())"
        command = [sys.executable, "-c", code]
        return subprocess.Popen(
            [*command, *map(str, words)],
            cwd=tmp_path,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    return start
