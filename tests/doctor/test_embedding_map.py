"""Maps show the strongest directions, keep neighbours together, and draw the circle of features in the plane."""

import math

import torch

from likeness.doctor.embedding_map import maps, principal, tsne


def test_principal_coordinates_are_the_strongest_two() -> None:
    z = torch.randn(100, 5) * torch.tensor([9.0, 1, 1, 4, 1])
    at = principal(z)
    assert torch.corrcoef(torch.stack((at[:, 0], z[:, 0])))[0, 1].abs() > 0.98
    assert torch.corrcoef(torch.stack((at[:, 1], z[:, 3])))[0, 1].abs() > 0.95
    torch.testing.assert_close(principal(z[torch.arange(99, -1, -1)]), at.flip(0), rtol=1e-3, atol=1e-3)


def test_tsne_keeps_groups_apart() -> None:
    y = torch.arange(60) % 3
    at = tsne(20 * torch.eye(8)[y] + torch.randn(60, 8), 0)
    centres = torch.stack([at[y == c].mean(0) for c in range(3)])
    assert bool((torch.cdist(at, centres).argmin(1) == y).all())


def test_the_plane_has_a_circle_and_more_columns_have_not() -> None:
    angle = torch.rand(60) * 2 * math.pi
    plane = maps(torch.stack((angle.cos(), angle.sin()), 1), None, ())
    assert ["Directions" in c for c in plane.charts] == [True, False]
    assert len(maps(torch.randn(60, 3), None, ()).charts) == 2
    assert len(maps(torch.randn(20, 3), None, ()).charts) == 1
    assert "nothing to draw" in maps(torch.ones(60, 3), None, ()).words[0]
