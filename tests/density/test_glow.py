"""Glow is invertible, its determinant is that of its Jacobian, and learning raises the likelihood of images."""

import pytest
import torch
from torch.func import jacrev
from torch.optim import Adam

from likeness.bits import bits_per_dim
from likeness.core import train
from likeness.data import load
from likeness.data.batch import Batch
from likeness.data.batching import batches, whole
from likeness.density.glow import ActNorm, Glow, Mixing
from likeness.errors import InputError
from likeness.testing import check_method

EVENT = (1, 4, 8)


def small(levels: int | None = 256) -> Glow:
    return Glow(EVENT, sizes=2, steps=2, width=8, levels=levels)


def stirred() -> Glow:
    glow = small()
    next(iter(glow.updates(Batch(torch.rand(30, *EVENT)))))
    with torch.no_grad():
        for p in glow.parameters():
            p.add_(0.1 * torch.randn_like(p))
    return glow


def test_contract() -> None:
    check_method(small, Batch(torch.rand(12, *EVENT)), lambda m: Adam(m.parameters(), 1e-3))


def test_it_is_invertible() -> None:
    glow, x = stirred(), torch.rand(20, *EVENT)
    assert (glow.decode(glow.encode(x)) - x).abs().max() < 1e-5
    z = torch.randn(20, 32)
    assert (glow.encode(glow.decode(z)) - z).abs().max() < 1e-4


def test_its_determinant_is_that_of_the_jacobian() -> None:
    glow, x = stirred(), torch.rand(3, *EVENT)
    gauss = torch.distributions.Normal(0, 1)
    for one in x:
        J = jacrev(lambda v: glow.encode(v[None])[0])(one).reshape(32, 32)
        expected = gauss.log_prob(glow.encode(one[None])).sum() + torch.linalg.slogdet(J)[1]
        assert torch.allclose(glow.log_prob(one[None])[0], expected, atol=1e-3)


def test_the_first_batch_leaves_actnorm_with_mean_zero_and_variance_one() -> None:
    norm, x = ActNorm(3), 5 + 2 * torch.randn(50, 3, 4, 4)
    norm.start(x)
    y, _ = norm(x)
    assert y.mean((0, 2, 3)).abs().max() < 1e-5
    assert (y.var((0, 2, 3)) - 1).abs().max() < 1e-2


def test_mixing_begins_as_a_rotation() -> None:
    W = Mixing(6).weight()
    assert torch.allclose(W @ W.T, torch.eye(6), atol=1e-5)


def test_learning_lowers_the_bits_of_unseen_digits() -> None:
    torch.manual_seed(0)
    data, glow = load("digits"), Glow((1, 8, 8), sizes=2, steps=3, width=32, levels=17)
    x = whole(data.test).x
    found = []
    for step in train(glow, batches(data.train, 128, steps=120), Adam(glow.parameters(), 2e-3)):
        if step.iteration in (1, 120):
            found.append(float(bits_per_dim(glow.log_prob, x, levels=17).mean()))
    assert found[1] < found[0] - 0.3
    t = whole(data.train).x
    alone = torch.distributions.Normal(t.mean(0), t.std(0) + 0.05)
    assert found[1] < bits_per_dim(lambda v: alone.log_prob(v).flatten(1).sum(1), x, levels=17).mean() - 0.1


def test_sides_and_levels_are_checked() -> None:
    with pytest.raises(InputError, match="28 × 28 pixels cannot be halved 3 times"):
        Glow((1, 28, 28), sizes=3)
    with pytest.raises(InputError, match="levels 1"):
        Glow((1, 8, 8), levels=1)
