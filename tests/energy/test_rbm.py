from itertools import product

import pytest
import torch
from torch.optim import SGD, Adam

from likeness.core import train
from likeness.data import load
from likeness.data.batch import Batch
from likeness.data.batching import batches, whole
from likeness.density.likelihoods import binarised
from likeness.energy.rbm import RBM
from likeness.errors import InputError
from likeness.testing import check_method


@pytest.mark.parametrize("buffer", [0, 20])
def test_contract(buffer: int) -> None:
    x = torch.randint(2, (9, 6)).float()
    check_method(lambda: RBM((6,), 4, buffer=buffer, sweeps=5), Batch(x), lambda m: Adam(m.parameters(), 0.01))


def machine(hidden: int = 5, d: int = 7) -> RBM:
    rbm = RBM((d,), hidden)
    for p in rbm.parameters():
        p.data.normal_(std=0.8)
    return rbm


EVERY = torch.tensor(list(product((0.0, 1.0), repeat=7)))


def test_probabilities_sum_to_one_and_free_energies_to_the_joint() -> None:
    rbm = machine()
    assert float(rbm.log_prob(EVERY).double().exp().sum()) == pytest.approx(1, abs=1e-5)
    h = torch.tensor(list(product((0.0, 1.0), repeat=5)))
    v = EVERY[77:78]
    joint = (v @ rbm.b + h @ rbm.c + (v @ rbm.W * h).sum(1)).logsumexp(0)
    assert float(-rbm.free_energy(v).detach()) == pytest.approx(float(joint.detach()), abs=1e-4)


def test_annealed_chains_find_the_exact_constant() -> None:
    rbm = machine()
    found = rbm.estimated_log_z(temperatures=300)
    assert found.value == pytest.approx(rbm.log_z(), abs=max(0.05, 4 * found.error))
    assert found.error < 0.05


def test_draws_have_the_probabilities() -> None:
    rbm = machine()
    x = rbm.sample(20_000, generator=0)
    expected = rbm.log_prob(EVERY).exp()
    place = (x @ (2.0 ** torch.arange(6, -1, -1))).long()
    found = torch.bincount(place, minlength=128) / len(x)
    assert float((found - expected).abs().sum() / 2) < 0.04


@pytest.mark.parametrize("given", [{}, {"buffer": 200}])
def test_exact_log_likelihood_of_digits_rises(given: dict) -> None:
    data = load("digits")
    torch.manual_seed(0)
    rbm = RBM((1, 8, 8), 14, low=-1.0, observe=binarised, sweeps=200, **given)
    held = binarised(whole(data.validation).x)
    seen = []
    for step in train(rbm, batches(data.train, 100, steps=600), SGD(rbm.parameters(), 0.1)):
        if step.iteration in (1, 100, 600):
            seen.append(float(rbm.log_prob(held).mean()))
    assert seen[0] < seen[1] < seen[2]
    assert seen[2] > seen[0] + 2  # nats, above independent units
    assert (rbm.log_prob_kind, rbm.levels) == ("exact", 2)
    x = rbm.sample(10, generator=0)
    assert x.shape == (10, 1, 8, 8)
    assert set(x.unique().tolist()) == {-1.0, 1.0}


def test_many_hidden_units_have_no_exact_constant() -> None:
    rbm = RBM((4,), 15)
    assert rbm.log_prob_kind == "unnormalised"
    with pytest.raises(InputError, match="15 hidden units"):
        rbm.log_z()
    with pytest.raises(InputError, match="units are binary"):
        rbm.units(torch.rand(3, 4))
    with pytest.raises(InputError, match="0 hidden units"):
        RBM((4,), 0)
