"""Sums over pairs: against loops, block by block, over processes, and what they keep in memory."""

import math
import subprocess
import sys

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck
from torch.autograd.graph import saved_tensors_hooks

from likeness import ranks
from likeness.errors import InputError
from likeness.lockstep import lockstep
from likeness.represent.pairs import everyone, log_sum_exp, places

OWN = torch.tensor([3, 0, 6, 1, 5])


def given() -> tuple[Tensor, Tensor]:
    return torch.randn(5, 3, dtype=torch.float64), torch.randn(7, 3, dtype=torch.float64)


def test_it_is_the_sum_of_a_loop() -> None:
    a, c = given()
    for i, value in enumerate(log_sum_exp(a, c, own=OWN)):
        others = [math.exp(float(a[i] @ c[j])) for j in range(7) if j != OWN[i]]
        assert float(value) == pytest.approx(math.log(sum(others)), rel=1e-12)
    torch.testing.assert_close(log_sum_exp(a, c), (a @ c.T).exp().sum(1).log())


@pytest.mark.parametrize("own", [None, OWN], ids=["all", "others"])
@pytest.mark.parametrize("block", [1, 2, 5, 100])
def test_block_by_block_values_and_slopes_are_the_same(block: int, own: Tensor | None) -> None:
    a, c = (x.requires_grad_() for x in given())
    g = torch.randn(5, dtype=torch.float64)
    full, blocked = log_sum_exp(a, c, own=own), log_sum_exp(a, c, own=own, block=block)
    torch.testing.assert_close(blocked, full, rtol=0, atol=1e-14)
    for there, here in zip(torch.autograd.grad(full, (a, c), g), torch.autograd.grad(blocked, (a, c), g)):
        torch.testing.assert_close(here, there, rtol=0, atol=1e-13)


def test_derivatives_of_blocks_are_those_of_finite_differences_twice_over() -> None:
    a, c = (x.requires_grad_() for x in given())
    assert gradcheck(lambda a, c: log_sum_exp(a, c, own=OWN, block=2), (a, c))
    assert gradgradcheck(lambda a, c: log_sum_exp(a, c, own=OWN, block=2), (a, c))


@pytest.mark.parametrize("block", [None, 2])
def test_products_far_beyond_what_an_exponential_holds(block: int | None) -> None:
    a, c = torch.tensor([[1000.0], [-1000.0]], requires_grad=True), torch.tensor([[1.0], [2.0]])
    value = log_sum_exp(a, c, block=block)
    assert value.tolist() == [2000, -1000]
    value.sum().backward()
    assert a.grad.tolist() == [[2], [1]]


def kept(n: int, block: int | None) -> int:
    """How many numbers are kept for the way back."""
    counts: dict[int, int] = {}

    def pack(x: Tensor) -> Tensor:
        counts[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes() // x.element_size()
        return x

    a, c = torch.randn(n, 4, requires_grad=True), torch.randn(n, 4, requires_grad=True)
    with saved_tensors_hooks(pack, lambda x: x):
        log_sum_exp(a, c, block=block).sum()
    return sum(counts.values())


def test_what_blocks_keep_grows_with_the_batch_and_not_with_its_square() -> None:
    assert kept(512, 64) == 2 * kept(256, 64) == 9 * 512
    assert kept(512, None) > 3.9 * kept(256, None)


PEAK = """
import torch
from pathlib import Path
from likeness.represent.pairs import log_sum_exp

def held(what):
    return int(Path("/proc/self/status").read_text().split(f"{what}:")[1].split()[0]) / 1024

torch.set_num_threads(1)
a, c = (torch.randn(4096, 8, requires_grad=True) for _ in range(2))
torch.autograd.grad(log_sum_exp(a[:256], c[:256], block=128).sum(), (a, c))
Path("/proc/self/clear_refs").write_text("5")  # the peak begins again at what is held now
before = held("VmRSS")
torch.autograd.grad(log_sum_exp(a, c, block=128).sum(), (a, c))
print(held("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="what a process holds is told by /proc")
def test_blocks_take_the_room_of_a_few_of_them() -> None:
    """One is of 2 MiB, and all products of 64."""
    done = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 16


def test_without_others_there_is_nothing_to_sum() -> None:
    a = torch.ones(1, 2)
    for block in (None, 1):
        assert log_sum_exp(a, a, own=torch.tensor([0]), block=block).tolist() == [-torch.inf]


@pytest.mark.parametrize("each", [1, 3])
def test_rows_of_all_processes_with_several_a_sample(each: int) -> None:
    z = torch.randn(5 * each, 2, dtype=torch.float64)
    g = torch.randn(5 * each, 2, dtype=torch.float64)

    def work(rank: int) -> tuple[Tensor, Tensor, Tensor]:
        part = ranks.world().part(5)
        mine = z[part.start * each : (part.start + part.n) * each].clone().requires_grad_()
        with ranks.holding(part):
            found = everyone(mine)
            (found * g * part.weight).sum().backward()
            return found, places(mine), mine.grad

    found = lockstep(2, work)
    assert all(torch.equal(rows, z) for rows, _, _ in found)
    assert torch.cat([at for _, at, _ in found]).tolist() == list(range(5 * each))
    torch.testing.assert_close(torch.cat([grad for _, _, grad in found]), g)


def test_bad_input() -> None:
    a, c = given()
    with pytest.raises(InputError, match="a block of 0 rows"):
        log_sum_exp(a, c, block=0)
    with ranks.holding(ranks.Part(0, 2, 4)), pytest.raises(InputError, match="3 rows for the 2 samples"):
        places(torch.zeros(3, 1))
