"""Waves are sines of one amplitude, and epochs are counted to the first that is good enough."""

import pytest
import torch

from likeness.papers._autoencoder_shapes import LENGTH, falls, reached, spatial, waves


def test_waves_are_sines() -> None:
    data = waves(400, 0)
    assert data.x.shape == (400, LENGTH)
    assert float(data.x.var()) == pytest.approx(0.5, abs=0.05)
    assert float(data.x.abs().max()) <= 1
    assert not torch.equal(data.held, data.test)


def test_codes_keep_their_place() -> None:
    assert spatial((1, 8, 8), 4).latent == (4, 2, 2)


def test_epochs_are_counted_and_verdicts_can_fail() -> None:
    assert reached([0.5, 0.2, 0.05, 0.2], 0.1) == 3
    assert reached([0.5, 0.2], 0.1) == 3
    errors = {"maps1.mse": 4.0, "maps2.mse": 3.0, "maps4.mse": 2.0, "maps8.mse": 1.0}
    assert falls(errors)
    assert not falls(errors | {"maps8.mse": 2.5})
