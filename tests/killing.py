"""A training that is killed again and again, and resumed each time: run as a script by `test_kill`.

The parent imports everything once and forks; a child trains until it is killed, half of the times at a random moment,
half of the times by itself at a random operation on a file, which is inside a save.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import grad
from torch.optim import Adam

from likeness.core import Method, Update
from likeness.data.batch import Batch
from likeness.judge.features import raw
from likeness.ranks import ends_batch, gather, noise_like, per_sample
from likeness.recipes.gan import Settings
from likeness.recipes.pipeline import begin, read, resume, settings_of, training
from likeness.run import checkpoint, state
from likeness.run.fit import Cadence, fit
from likeness.run.folder import create, open_run
from likeness.run.learner import Learner
from likeness.run.lock import lock
from likeness.run.track import records

KILLS = 20


class Persistent(Method):
    """An energy trained against chains that go on from a replay buffer."""

    buffer: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.E = nn.Sequential(nn.Linear(2, 32), nn.SiLU(), nn.Linear(32, 1))
        self.register_buffer("buffer", torch.randn(256, 2))

    def updates(self, batch: Batch) -> Iterator[Update]:
        place = per_sample(len(batch.x), lambda n: torch.randint(len(self.buffer), (n,)))
        x = self.buffer[place]
        for _ in range(5):
            x = x - 0.1 * grad(lambda x: self.E(x).sum())(x) + 0.1 * noise_like(x)

        def contrast() -> dict[str, Tensor]:
            positive, negative = self.E(batch.x), self.E(x)
            return {"contrast": (positive - negative).mean(), "size": (positive**2 + negative**2).mean()}

        yield self.E, contrast
        if ends_batch():
            self.buffer.index_copy_(0, gather(place), gather(x))


class Rows:
    """Batches of a fixed set in a drawn order, from a place on."""

    def __init__(self, steps: int) -> None:
        self.x = torch.from_numpy(np.random.default_rng(0).normal(size=(512, 2)).astype(np.float32))
        self.steps, self.place = steps, 0

    def __iter__(self) -> Iterator[Batch]:
        while self.place < self.steps:
            order = np.random.default_rng(self.place).permutation(len(self.x))
            self.place += 1
            yield Batch(self.x[order[:64]])

    def state_dict(self) -> dict[str, int]:
        return {"place": self.place}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.place = state["place"]


def energy(folder: Path) -> None:
    torch.manual_seed(3)
    method = Persistent()
    learner = Learner(method, Adam(method.parameters(), 1e-3), lambda: None, method)
    going = (folder / "config.json").exists()
    run = open_run(folder) if going else create(folder, "energy", {}, {})
    with lock(folder):
        found, _ = state.newest(folder)
        for _ in fit(run, learner, Rows(120), Cadence(20, 60, 7), resumed=found, track=("none",)):
            pass


def gan(folder: Path) -> None:
    data = str(folder.parent / "points.npy")
    settings = Settings(
        data, out=folder, steps=90, batch_size=32, penalty_every=4, save_every=7, judge_every=30, width=16, device="cpu"
    )
    points = read(settings)
    if (folder / "config.json").exists():
        run = open_run(folder)
        try:
            session = resume(run, settings_of(run), points)
        except ValueError as error:
            if "holds no state" not in str(error):
                raise
            for left in folder.rglob("*"):  # before its first state a run has its configuration, and empty records
                empty = not left.is_file() or not left.stat().st_size or left.parent.name == "events"
                unfinished = any(part[0] == "." for part in left.relative_to(folder).parts)
                assert empty or unfinished or left.name == "config.json", left
            (folder / "config.json").unlink()
            for left in sorted(folder.rglob("*"), reverse=True):
                left.unlink() if left.is_file() else left.rmdir()
            session = begin("gan", settings, points)
    else:
        session = begin("gan", settings, points)
    for _ in training(session, points, raw()):
        pass


def doomed(after: int) -> None:
    """Kill this process at its so-manieth operation on files from now."""
    left = [after]

    def watched(name: str) -> None:
        original = getattr(os, name)

        def operation(*args: object, **kwargs: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*args, **kwargs)

        setattr(os, name, operation)

    for name in ("fsync", "replace", "rename", "mkdir", "rmdir", "unlink"):
        watched(name)


def child(work: Callable[[Path], None], folder: Path, dies_after: int | None) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        if dies_after is not None:
            doomed(dies_after)
        work(folder)
        code = 0
    except BaseException as error:  # the parent tells of it
        print(f"child failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(code)


def sound(folder: Path) -> None:
    """Everything that anybody reads is whole."""
    if (folder / "config.json").exists():
        json.loads((folder / "config.json").read_text())
    records(folder)
    for weights in folder.glob("checkpoints/[!.]*"):
        checkpoint.load(weights)
    for step in (folder / "state").glob("step-*"):
        json.loads((step / "state.json").read_text())
    _, damaged = state.newest(folder)
    assert not damaged, damaged


def main(kind: str, folder: Path, seed: int) -> None:
    torch.set_num_threads(1)
    work, dice, kills, inside = {"gan": gan, "energy": energy}[kind], random.Random(seed), 0, 0
    began = time.monotonic()
    pid = child(work, folder / "whole", None)
    assert os.waitpid(pid, 0)[1] == 0, "the undisturbed run failed"
    length = time.monotonic() - began
    while True:
        by_file = kills % 2 == 1
        pid = child(work, folder / "run", dice.randrange(1, 60) if by_file and kills < KILLS else None)
        if kills < KILLS and not by_file:
            time.sleep(dice.uniform(0.02, 0.5) * length)
            os.kill(pid, signal.SIGKILL)
        status = os.waitpid(pid, 0)[1]
        sound(folder / "run")
        if status == 0:
            if kills >= KILLS:
                break
            for left in sorted((folder / "run").rglob("*"), reverse=True):  # it came to its end: begin anew
                left.unlink() if left.is_file() else left.rmdir()
            continue
        assert os.WIFSIGNALED(status), f"the child failed by itself: {status}"
        kills += 1
        inside += by_file
    whole, _ = checkpoint.load(folder / "whole" / "checkpoints" / "last.safetensors")
    other, _ = checkpoint.load(folder / "run" / "checkpoints" / "last.safetensors")
    same = all(torch.equal(whole[k], other[k]) for k in whole) and whole.keys() == other.keys()
    print(json.dumps({"kills": kills, "inside": inside, "same": same, "seconds": time.monotonic() - began}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
