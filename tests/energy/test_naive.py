from itertools import pairwise

import torch
from torch.optim import Adam

from likeness.core import train
from likeness.data.batch import Batch
from likeness.data.toys import ring
from likeness.energy.alarms import Runaway
from likeness.energy.naive import Naive
from likeness.energy.partition import normalised
from likeness.nn.vector import VectorCritic
from likeness.testing import check_method


def test_contract() -> None:
    check_method(lambda: Naive(VectorCritic(2, width=8)), Batch(torch.randn(9, 2)), lambda m: Adam(m.parameters()))


def test_it_falls_for_ever_is_told_and_no_density_comes_of_it() -> None:
    truth, alarm, told, energies = ring(8, std=0.2), Runaway(), [], []
    method = Naive(VectorCritic(2, width=32))
    before = normalised(method.E, [(-4, 4)] * 2, cells=100).kl(truth, 2000)
    batches = (Batch(truth.sample(128, generator=i)) for i in range(250))
    for step in train(method, batches, Adam(method.parameters(), 3e-3)):
        if step.iteration % 50 == 0:
            energies.append(float(step.terms["energy"]))
            told += alarm.update(energies[-1])
    assert all(a > b for a, b in pairwise(energies))
    assert [f.code for f in told][:1] == ["energy-diverges"]
    assert normalised(method.E, [(-4, 4)] * 2, cells=100).kl(truth, 2000) > before
