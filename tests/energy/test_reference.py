import torch
from torch import nn
from torch.testing import assert_close

from likeness.data.truth import Mixture
from likeness.energy.reference import Reference, Tilted


def test_it_is_as_wide_as_data_and_more() -> None:
    reference = Reference((2,), widen=1.5)
    x = torch.tensor([3.0, -1.0]) + torch.tensor([2.0, 0.5]) * torch.randn(20_000, 2)
    reference.fit(x)
    assert_close(reference.mean, torch.tensor([3.0, -1.0]), atol=0.05, rtol=0)
    assert_close(reference.std, 1.5 * torch.tensor([2.0, 0.5]), atol=0.05, rtol=0)
    assert_close(reference.scale, torch.tensor([2.0, 0.5]), atol=0.03, rtol=0)
    drawn = reference.sample(20_000, generator=0)
    assert_close(drawn.std(0), reference.std, rtol=0.03, atol=0)


def test_its_density_is_a_gaussians() -> None:
    reference = Reference((3,))
    x = torch.randn(7, 3)
    assert_close(reference.log_prob(x), Mixture(torch.zeros(1, 3), 1.0).log_prob(x))


def test_a_pixel_that_never_changes_has_some_width() -> None:
    reference = Reference((1, 2, 2))
    x = torch.randn(100, 1, 2, 2)
    x[:, :, 0, 0] = -1
    reference.fit(x)
    assert reference.std.min() > 0.05


def test_a_network_of_nothing_leaves_the_gaussian() -> None:
    f = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))
    nn.init.zeros_(f[0].weight)
    nn.init.zeros_(f[0].bias)
    tilted = Tilted(f, Reference((2,)))
    x = torch.randn(5, 2)
    assert_close(tilted(x), -tilted.reference.log_prob(x))
