"""Flat images have no detail, one pixel has a known energy, a blur loses it and noise has more."""

import pytest
import torch
from torch.nn.functional import avg_pool2d

from likeness.data import load, whole
from likeness.judge.blur import grey_share, laplacian_energy


def test_energies_that_are_known() -> None:
    x = torch.zeros(2, 1, 5, 5)
    x[1, 0, 2, 2] = 1.0
    assert laplacian_energy(x).tolist() == pytest.approx([0, (16 + 4) / 9])
    ramp = torch.linspace(-1, 1, 6).expand(1, 1, 6, 6)
    assert float(laplacian_energy(ramp)) == pytest.approx(0, abs=1e-9)


def test_blur_loses_energy_and_noise_gains_it() -> None:
    x = whole(load("digits").test).x
    own = laplacian_energy(x).mean()
    assert laplacian_energy(avg_pool2d(x, 3, 1, 1)).mean() < 0.5 * own
    assert laplacian_energy(x + 0.5 * torch.randn(x.shape)).mean() > 1.5 * own


def test_the_share_of_grey() -> None:
    x = torch.tensor([-1.0, 0.0, 0.5, 1.0]).reshape(1, 1, 2, 2)
    assert float(grey_share(x)) == 0.5
