"""Components are the optimum among linear maps, training moves towards them, and AUROC has its known values."""

from functools import partial

import pytest
import torch

from likeness.papers._autoencoder_training import Components, auroc, deep, fitted, images, linear, mse


def test_components_are_below_any_linear_autoencoder_and_training_comes_near() -> None:
    data = images("digits", 0, 600)
    x = data.x
    pca, ae = Components(x, 4), fitted(partial(linear, data.event, 4), x, epochs=60, seed=0, lr=1e-2)
    assert mse(pca.reconstruct(x), x) <= mse(ae.reconstruct(x), x) < 1.15 * mse(pca.reconstruct(x), x)
    torch.testing.assert_close(Components(x, 64).reconstruct(x), x, rtol=1e-3, atol=1e-3)
    assert deep(data.event, 3).encode(x[:5]).shape == (5, 3)


def test_auroc_has_its_known_values() -> None:
    which = torch.tensor([0, 0, 1, 1])
    assert auroc(torch.tensor([1.0, 2, 3, 4]), which) == 1
    assert auroc(torch.tensor([4.0, 3, 2, 1]), which) == 0
    assert auroc(torch.ones(4), which) == pytest.approx(0.5)
