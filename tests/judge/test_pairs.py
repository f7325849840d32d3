import subprocess
import sys

import pytest
import torch

from likeness.errors import InputError
from likeness.judge.pairs import between, nearest, polynomial, within
from likeness.judge.resample import groups_of


@pytest.fixture
def sets():
    return torch.randn(53, 6), torch.randn(41, 6) + 0.3


@pytest.mark.parametrize("block", [7, 16, 64])
def test_blocks_do_not_change_what_is_counted(sets, block):
    x, y = sets
    a, b = within(x, k=3, block=block), within(y, k=3, block=block)
    d = torch.cdist(x.double(), y.double())
    radius = torch.cdist(x.double(), x.double()).sort(1).values[:, 3]  # the first is the point itself
    assert torch.allclose(a.radius.sqrt(), radius)
    found = between(x, y, a.radius, b.radius, block=block)
    assert torch.equal(found.held, (d < radius[:, None]).sum(0))
    assert torch.equal(found.covered, (d < radius[:, None]).any(1))
    assert torch.equal(found.recalled, (d < b.radius.sqrt()).any(1))
    assert torch.allclose(nearest(x, y, block=block), d.amin(1))


def test_kernel_sums_by_groups(sets):
    x, y = (z.double() for z in sets)
    K = polynomial(x @ x.T, 6).fill_diagonal_(0)
    group = torch.nn.functional.one_hot(groups_of(53)).double()
    assert torch.allclose(within(x, block=8).sums, group.T @ K @ group)
    other = torch.nn.functional.one_hot(groups_of(41)).double()
    radius = torch.ones(53, dtype=torch.float64), torch.ones(41, dtype=torch.float64)
    cross = group.T @ polynomial(x @ y.T, 6) @ other
    assert torch.allclose(between(x, y, *radius, block=8).sums, cross)


def test_fewer_samples_than_neighbours():
    with pytest.raises(InputError, match="5 samples are too few for 5 neighbours: give at least 6"):
        within(torch.randn(5, 2))
    assert within(torch.randn(6, 2)).radius.isfinite().all()


MEMORY = """
import resource, torch
from likeness.judge.neighbours import prdc
torch.set_num_threads(1)
prdc(torch.randn(100, 8), torch.randn(100, 8))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
prdc(torch.randn(8000, 8), torch.randn(8000, 8))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def test_memory_is_bounded_by_blocks():
    run = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True)
    assert float(run.stdout) < 100, "MiB; one matrix of all pairs would take 488"
