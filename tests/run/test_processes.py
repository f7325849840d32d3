"""Real processes (gloo) take the steps of one: replicated, sharded, saved by two and loaded by one and by three."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from together import trained

from likeness.errors import InputError
from likeness.run import processes

SCRIPT = Path(__file__).parents[1] / "together.py"
STEPS = 100


def launch(n: int, *specs: str) -> None:
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        str(n),
        SCRIPT,
        *specs,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def difference(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> float:
    assert a.keys() == b.keys()
    return max(float((a[k].double() - b[k].double()).abs().max()) for k in a)


@pytest.mark.slow
def test_two_processes_take_the_steps_of_one(tmp_path: Path) -> None:
    given = {"one": "", "one-sharded": "shard", "game": "", "images": ""}
    specs = [f"{name.split('-')[0]}:{STEPS}:{tmp_path / name}:{options}" for name, options in given.items()]
    half = [f"one:{STEPS // 2}:{tmp_path / 'half'}:save", f"one:{STEPS // 2}:{tmp_path / 'half-sharded'}:save,shard"]
    launch(2, *specs, *half)
    whole = {task: trained(task, STEPS, tmp_path, set()) for task in ("one", "game", "images")}
    for name in given:
        found = load_file(tmp_path / name / "found.safetensors")
        assert difference(found, whole[name.split("-")[0]]) < 1e-6, name
    # saved by two, they go on as one and as three
    launch(
        3,
        *(
            f"one:{STEPS // 2}:{tmp_path / half}:load{more}"
            for half, more in (("half", ""), ("half-sharded", ",shard"))
        ),
    )
    for half in ("half", "half-sharded"):
        assert difference(load_file(tmp_path / half / "found.safetensors"), whole["one"]) < 1e-6, half
        assert difference(trained("one", STEPS // 2, tmp_path / half, {"load"}), whole["one"]) < 1e-6, half


@pytest.mark.slow
def test_blocks_within_blocks_are_shared_out(tmp_path: Path) -> None:
    launch(2, f"diffusion:5:{tmp_path / 'whole'}:", f"diffusion:5:{tmp_path / 'sharded'}:shard")
    one = trained("diffusion", 5, tmp_path, set())
    for name in ("whole", "sharded"):
        assert difference(load_file(tmp_path / name / "found.safetensors"), one) < 1e-4, name


def alone(**environment: str) -> subprocess.CompletedProcess[str]:
    code = (
        "from likeness.app.cli import main; import sys; sys.exit(main(['train','gan','--data','grid25','--out','run']))"
    )
    env = os.environ | {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"} | environment
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=100, check=False
    )


def test_a_port_in_use_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = alone(MASTER_PORT=str(port))
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"likeness: port 127.0.0.1:{port} is in use")
    assert "Traceback" not in done.stderr


def test_a_rank_that_never_starts_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match="2 processes did not meet"), processes.joined(wait=2):
        pass


def test_alone_there_is_nothing_to_join() -> None:
    with processes.joined() as world:
        assert (world.rank, world.size) == (0, 1)
    assert processes.device("cuda") == "cuda"


def test_of_several_each_has_its_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert processes.device("cuda") == "cuda:1"
    assert processes.device("cpu") == "cpu"


def test_no_processes_are_refused() -> None:
    with pytest.raises(InputError, match="--processes 0"):
        processes.launch(0, [])
