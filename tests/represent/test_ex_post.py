"""Draws are of the density of the codes, part of the state, and not to be had before it is fitted."""

import pytest
import torch
from torch import nn

from likeness.density.mixture import Mixture
from likeness.errors import InputError
from likeness.represent.autoencoder import Autoencoder
from likeness.represent.ex_post import ExPost
from likeness.sampling import draw


def identity() -> Autoencoder:
    return Autoencoder(nn.Identity(), nn.Identity(), latent=(2,))


def test_with_networks_that_do_nothing_the_draws_are_of_the_mixture() -> None:
    x = torch.randn(3000, 2) * 0.1 + torch.tensor([[-2.0, 0.0], [2.0, 1.0]])[torch.arange(3000) % 2]
    made = ExPost(identity(), Mixture(2, (1, 2, 4)))
    made.fit(x)
    assert made.density.components == 2
    y = draw(made.sample, 3000, generator=0)
    assert torch.allclose(y.mean(0), x.mean(0), atol=0.15)
    assert torch.allclose(y.T.cov(), x.T.cov(), atol=0.15)
    assert torch.equal(y[:50], draw(made.sample, 50, generator=0, batch_size=7))


def test_the_density_is_part_of_the_state_and_the_networks_are_not() -> None:
    ae = identity()
    a, b = ExPost(ae, Mixture(2, (1,))), ExPost(ae, Mixture(2, (1,)))
    with pytest.raises(InputError, match="no density yet"):
        a.sample(3)
    a.fit(torch.randn(100, 2) + 7)
    b.load_state_dict(a.state_dict())
    assert torch.equal(draw(a.sample, 5, generator=1), draw(b.sample, 5, generator=1))
    assert not [name for name in a.state_dict() if "E." in name]
    again = ExPost(ae, Mixture(2, (1,)))
    again.fit(torch.randn(50, 2))
    again.fit(torch.randn(100, 2, generator=torch.Generator().manual_seed(0)) + 7)
    assert float(draw(again.sample, 500, generator=1).mean()) == pytest.approx(7, abs=0.5), "fitted anew"
