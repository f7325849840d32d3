import subprocess
import sys

import pytest
import torch

from likeness.errors import InputError
from likeness.judge.pairs import between, blocks, nearest, polynomial, within
from likeness.judge.resample import groups_of
from likeness.lockstep import lockstep


@pytest.fixture
def sets():
    return torch.randn(53, 6), torch.randn(41, 6) + 0.3


@pytest.mark.parametrize("block", [7, 16, 64])
def test_blocks_do_not_change_what_is_counted(sets, block):
    x, y = sets
    a, b = within(x, k=3, block=block), within(y, k=3, block=block)
    d = torch.cdist(x.double(), y.double())
    radius = torch.cdist(x.double(), x.double()).sort(1).values[:, 3]  # the first is the point itself
    assert torch.allclose(a.radius[:, -1].sqrt(), radius)
    found = between(x, y, a, b, block=block)
    assert torch.equal(found.held[:, -1], (d < radius[:, None]).sum(0).int())
    assert torch.equal(found.covered[:, -1], (d < radius[:, None]).sum(1).int())
    assert torch.equal(found.recalled[:, -1], (d < b.radius[:, -1].sqrt()).sum(1).int())
    assert torch.allclose(nearest(x, y, block=block), d.amin(1))


@pytest.mark.parametrize(("n", "m"), [(10, None), (7, 10), (3, 3)])
def test_blocks_hold_every_pair_once(n, m):
    seen = torch.zeros(n, m or n)
    for rows, columns in blocks(n, m, block=3):
        seen[rows, columns] += 1
        if m is None and rows != columns:
            seen[columns, rows] += 1
    assert torch.equal(seen, torch.ones_like(seen))


@pytest.mark.parametrize("processes", [2, 3])
def test_processes_find_together_what_one_finds(sets, processes):
    x, y = torch.cat((sets[0], sets[0][:9])), sets[1]  # with ties

    def work(rank):
        a, b = within(x, k=3, block=8), within(y, k=3, block=8)
        return *a, *b, *between(x, y, a, b, block=8), nearest(x, y, block=8)

    (alone,) = lockstep(1, work)
    for found in lockstep(processes, work):
        assert all(torch.equal(a, b) for a, b in zip(alone, found, strict=True))


def test_a_group_left_out_is_as_if_it_had_never_been(sets):
    x, y = sets
    whole = between(x, y, within(x, k=3), within(y, k=3))
    for a in range(10):
        i, j = groups_of(53) != a, groups_of(41) != a
        rest = between(x[i], y[j], within(x[i], k=3), within(y[j], k=3))
        assert torch.equal(whole.held[j, a], rest.held[:, -1])
        assert torch.equal(whole.covered[i, a], rest.covered[:, -1])
        assert torch.equal(whole.recalled[i, a], rest.recalled[:, -1])
        assert whole.held[~j, a].sum() == whole.recalled[~i, a].sum() == 0


def test_kernel_sums_by_groups(sets):
    x, y = (z.double() for z in sets)
    K = polynomial(x @ x.T, 6).fill_diagonal_(0)
    group = torch.nn.functional.one_hot(groups_of(53)).double()
    assert torch.allclose(within(x, block=8).sums, group.T @ K @ group)
    other = torch.nn.functional.one_hot(groups_of(41)).double()
    cross = group.T @ polynomial(x @ y.T, 6) @ other
    assert torch.allclose(between(x, y, within(x), within(y), block=8).sums, cross)


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
