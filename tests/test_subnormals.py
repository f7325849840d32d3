"""Subnormal numbers are zero inside and only there, in the threads too; and a decayed average costs what others do."""

import subprocess
import sys

import pytest
import torch

from likeness.core import Method, train
from likeness.subnormals import flushed


def small() -> float:
    return float(torch.full((4,), 1e-40).mul(1)[0])


def test_inside_and_only_there() -> None:
    assert small() > 0
    with flushed():
        assert small() == 0
        with flushed():
            assert small() == 0
        assert small() == 0
    assert small() > 0


def test_an_error_leaves_it_as_it_was() -> None:
    with pytest.raises(RuntimeError), flushed():
        raise RuntimeError
    assert small() > 0


def test_training_is_inside() -> None:
    class Least(Method):
        def __init__(self) -> None:
            super().__init__()
            self.w = torch.nn.Parameter(torch.ones(1))

        def updates(self, batch):
            yield self, lambda: {"loss": (self.w * batch).sum()}

    method = Least()
    seen = [small() for _ in train(method, [torch.ones(1)] * 2, torch.optim.SGD(method.parameters(), 0.1))]
    assert seen == [0, 0]
    assert small() > 0


def test_threads_started_later_are_inside_too() -> None:
    """A sum over many numbers is shared out among threads: each of them has to flush its part."""
    code = (
        "import torch; from likeness.subnormals import flush; flush(); torch.set_num_threads(2);"
        "x = torch.full((2_000_000,), 1e-40); print(int((x * 1 != 0).sum()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
