import pytest
import torch
from torch import nn
from torch.optim import Adam

from likeness.core import train
from likeness.data.batch import Batch
from likeness.data.toys import moons, ring
from likeness.energy.contrastive_divergence import ContrastiveDivergence
from likeness.energy.partition import normalised
from likeness.energy.walks import Walk
from likeness.errors import InputError
from likeness.nn.average import average
from likeness.nn.vector import VectorCritic
from likeness.testing import check_method

SHORT = {"walk": Walk(3), "drawing": Walk(10)}


def built(buffer: int, **given) -> ContrastiveDivergence:
    return ContrastiveDivergence(VectorCritic(2, width=8), (2,), buffer=buffer, **SHORT, **given)


@pytest.mark.parametrize("given", [{"buffer": 0}, {"buffer": 40}, {"buffer": 9, "restart": 0.5, "smooth": 0.1}])
def test_contract(given: dict) -> None:
    check_method(lambda: built(**given), Batch(torch.randn(9, 2)), lambda m: Adam(m.parameters()))


def test_the_gradient_is_the_positive_phase_minus_the_negative() -> None:
    method = built(0, penalty=0.0)
    x, negative = torch.randn(2, 6, 2)
    terms = method.terms(x, negative)
    found = torch.autograd.grad(sum(terms.values()), list(method.E.f.parameters()), allow_unused=True)
    phases = [torch.autograd.grad(method.E(z).mean(), list(method.E.f.parameters())) for z in (x, negative)]
    for g, up, down in zip(found, *phases, strict=True):
        torch.testing.assert_close(torch.zeros_like(up) if g is None else g, up - down, atol=1e-6, rtol=1e-5)


def test_chains_go_on_where_they_ended_and_some_begin_anew() -> None:
    method = built(30, restart=0.0)
    batch = Batch(torch.randn(10, 2))
    updates = method.updates(batch)
    with torch.no_grad():
        next(updates)
        before = method.replay.ends.clone()
        next(updates, None)
    assert int((method.replay.ends != before).any(1).sum()) == 10


@pytest.mark.slow
@pytest.mark.parametrize("truth", [ring(8, std=0.2), moons()], ids=["ring", "moons"])
def test_persistent_chains_learn_the_density(truth) -> None:
    """KL below 0.2 and a fifth of that at the start, by the averaged weights."""
    method = ContrastiveDivergence(VectorCritic(2, width=64, activation=nn.LeakyReLU), (2,))
    ema, box, first = average(method.E, 0.99), [(-4, 4)] * 2, None
    batches = (Batch(truth.sample(256, generator=i)) for i in range(700))
    for step in train(method, batches, Adam(method.parameters(), 1e-3, betas=(0.5, 0.99))):
        ema.update(method.E)
        if step.iteration == 1:
            first = normalised(ema.module, box, cells=150).kl(truth, 5000)
    found = normalised(ema.module, box, cells=150)
    assert found.edge < 0.01
    assert found.kl(truth, 5000) < min(0.2, first / 5)
    assert abs(float(step.terms["contrast"])) < 1


def test_steps_that_explode_are_named() -> None:
    method = ContrastiveDivergence(VectorCritic(2, width=8), (2,), walk=Walk(200, 50.0))
    with pytest.raises(InputError, match="chains exploded at step"), torch.no_grad():
        next(method.updates(Batch(torch.randn(10, 2))))


def test_bad_input_is_refused() -> None:
    for given, said in (({"restart": 2}, "restart 2"), ({"penalty": -1}, "penalty -1"), ({"smooth": -1}, "smooth -1")):
        with pytest.raises(InputError, match=said):
            built(40, **given)
    with pytest.raises(InputError, match="replay buffer of 5"), torch.no_grad():
        next(built(5).updates(Batch(torch.randn(9, 2))))
