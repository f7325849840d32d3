"""Many processes on one machine or on several: how they start, find each other, and end.

    likeness train gan --data … --processes 4            starts four here and waits for them
    torchrun --nnodes 2 … -m likeness train gan …        starts them on two machines, with torch's own launcher

Each process knows its rank from the variables that torch's launcher sets (RANK, WORLD_SIZE, MASTER_ADDR …). A
process that dies ends all of them; with restarts left they begin again, from the last checkpoint.
"""

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from likeness.errors import InputError, PeersLostError
from likeness.ranks import World, using

T = TypeVar("T")
PATIENCE = 1800.0  # seconds that a process waits for the others, for instance while the first one judges


class Processes(World):
    """The processes of torch's default group."""

    def __init__(self) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()

    def sum(self, x: Tensor) -> Tensor:
        x = x.contiguous()
        with _answered(self):
            dist.all_reduce(x)
        return x

    def collect(self, x: Tensor) -> list[Tensor]:
        lengths = self.objects(len(x))
        longest = max(lengths)
        padded = x.new_zeros(longest, *x.shape[1:])
        padded[: len(x)] = x
        every = [torch.empty_like(padded) for _ in lengths]
        with _answered(self):
            dist.all_gather(every, padded)
        return [part[:n] for part, n in zip(every, lengths, strict=True)]

    def objects(self, value: T) -> list[T]:
        found: list[Any] = [None] * self.size
        with _answered(self):
            dist.all_gather_object(found, value)
        return found


@contextmanager
def _answered(world: World) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # of the backend: it has no kind of its own
        reason = str(error).splitlines()[0][:200]
        raise PeersLostError(f"process {world.rank} lost the others, which ended or hang ({reason})") from error


def started() -> bool:
    """Whether a launcher started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def rank() -> int:
    """The rank that the launcher gave this process; 0 alone."""
    return int(os.environ.get("RANK", "0"))


def restarts() -> int:
    """How often the launcher has begun again because a process died."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))


def device(name: str) -> str:
    """The device of this process: one GPU each, where there are several processes on a machine."""
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if name == "cuda" and started() else name


@contextmanager
def joined(device: str = "cpu", wait: float = 120.0) -> Iterator[World]:
    """Work together with the processes that were started with this one; alone, nothing is done.

    Args:
        device: cpu talks by gloo, cuda by NCCL (and gloo for what lies on the CPU).
        wait: seconds within which all have to come.

    Raises:
        InputError: the others do not come, or the port of the meeting is taken.
    """
    if not started():
        yield World()
        return
    if device.startswith("cuda"):
        torch.cuda.set_device(device)
    _meet("cpu:gloo,cuda:nccl" if device.startswith("cuda") else "gloo", wait)
    try:
        with using(Processes()) as world:
            yield world
            world.objects(None)  # none leaves while another still talks
    finally:
        dist.destroy_process_group()


def _meet(backend: str, wait: float) -> None:
    try:
        store, rank, size = next(dist.rendezvous("env://", timeout=timedelta(seconds=wait)))
        store = dist.PrefixStore(f"likeness/{restarts()}", store)  # what died before left its address in it
        store.set_timeout(timedelta(seconds=wait))
        _all_say("here", store, rank, size)
        patience = timedelta(seconds=PATIENCE)
        dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=patience)
        _all_say("met", store, rank, size)  # who met first and has a mistake to tell does not leave the rest alone
    except (RuntimeError, ValueError) as error:
        raise InputError(_no_meeting(str(error), wait)) from None


def _all_say(word: str, store: dist.Store, rank: int, size: int) -> None:
    store.set(f"{word}/{rank}", "")
    store.wait([f"{word}/{r}" for r in range(size)])


def _no_meeting(reason: str, wait: float) -> str:
    place = f"{os.environ.get('MASTER_ADDR', '?')}:{os.environ.get('MASTER_PORT', '?')}"
    if "EADDRINUSE" in reason or "address already in use" in reason.lower():
        return f"port {place} is in use: give the launcher another one (--master-port)"
    size = os.environ["WORLD_SIZE"]
    return (
        f"the {size} processes did not meet at {place} within {wait:.0f} s ({reason.splitlines()[0][:200]}): "
        "check that each of them started and can reach that address"
    )


def launch(processes: int, words: Sequence[str], restarts: int = 0) -> int:
    """Run `likeness WORDS…` in so many processes of this machine, on torch's launcher; the exit code.

    Raises:
        InputError: fewer than one process, or fewer than no restarts.
    """
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    if processes < 1 or restarts < 0:
        raise InputError(f"--processes {processes} --max-restarts {restarts}: give one or more, and none or more")
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)  # we say ourselves what happened
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id="likeness",
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=restarts,
        monitor_interval=0.1,
    )
    try:
        elastic_launch(config, sys.executable)("-m", "likeness", *words)
    except ChildFailedError as error:
        return _told(error)
    except SignalException:
        raise KeyboardInterrupt from None
    return 0


def _told(error: Any) -> int:
    """The exit code of the process that failed first; one that was killed is told of, others spoke for themselves."""
    where, first = error.get_first_failure()
    if first.exitcode >= 0:
        return first.exitcode
    print(f"likeness: process {where} was killed by signal {-first.exitcode}, too often to go on", file=sys.stderr)
    return 70
