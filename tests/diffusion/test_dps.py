"""Roughly the posterior, for functions of any kind; as published the gradient is too long where much is unknown."""

import pytest
import torch
from linear_posteriors import MASK, SEEN, D, off

from likeness.data.truth import Mixture
from likeness.diffusion.ddim import ddim
from likeness.diffusion.dps import dps
from likeness.diffusion.measurements import masked
from likeness.diffusion.oracle import Exact
from likeness.diffusion.pigdm import pigdm
from likeness.diffusion.sampler import Diffused
from likeness.diffusion.schedules import cosine
from likeness.errors import InputError

A, Y, LEVELS = masked(MASK).A, torch.tensor([[SEEN]]), cosine(1000).levels(100)


def test_it_is_the_gradient_of_what_it_says() -> None:
    x, sigma = torch.randn(5, 3), torch.rand(5) + 0.2
    x.requires_grad_()
    log_p = -(Y - A(D(x, sigma))).square().sum(1) / (2 * (0.3**2 + sigma**2 / (1 + sigma**2)))
    (g,) = torch.autograd.grad(log_p.sum(), x)
    found = dps(D, A, Y, noise=0.3, scale=0.7)(x, sigma)
    torch.testing.assert_close(found, D(x, sigma) + 0.7 * sigma[:, None] ** 2 * g, atol=1e-5, rtol=1e-5)


def test_for_a_mask_it_is_the_pseudo_inverse() -> None:
    x, sigma = torch.randn(5, 3), torch.rand(5) + 0.2
    ours, theirs = dps(D, A, Y, noise=0.3)(x, sigma), pigdm(D, masked(MASK), Y, noise=0.3)(x, sigma)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_what_is_unknown_shortens_the_gradient() -> None:
    """The paper's r = 0 is further off than the default, in the mean of what is not measured."""
    far = {}
    for name, spread in (("none", {"spread": None}), ("default", {})):
        G = dps(D, A, Y, noise=0.5, **spread)
        far[name] = off(Diffused(G, ddim(), LEVELS, (3,))(4000, generator=0), 0.5)[0]
    assert far["default"] < 0.1
    assert far["none"] > 0.5


def test_a_function_that_is_not_linear() -> None:
    """|x| = 2 of a normal around zero: both signs, each near 2."""
    D1 = Exact(Mixture(torch.zeros(1, 1), 1.0))
    G = dps(D1, torch.abs, torch.tensor([[2.0]]), noise=0.1)
    x = Diffused(G, ddim(1.0), cosine(1000).levels(200), (1,))(2000, generator=0)
    assert float((x.abs() - 2).abs().mean()) < 0.3
    assert float((x > 0).float().mean()) == pytest.approx(0.5, abs=0.05)


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="noise 0"):
        dps(D, A, Y, noise=0.0, spread=None)
    with pytest.raises(InputError, match="one measurement a sample"):
        dps(D, A, torch.zeros(2, 1), noise=1.0)(torch.randn(3, 3), torch.ones(3))
