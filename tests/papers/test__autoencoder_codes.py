"""Shuffled pixels keep their marginals alone, and verdicts can fail."""

import torch

from likeness.papers._autoencoder_codes import CLAIMS, _shuffled, beats_components, depends, falls, linear_is_pca


def test_shuffled_pixels_keep_marginals_and_lose_dependence() -> None:
    x = torch.randn(2000, 1).expand(2000, 3).reshape(2000, 1, 1, 3)
    y = _shuffled(x, torch.Generator().manual_seed(0))
    assert torch.equal(y.sort(0).values, x.sort(0).values)
    assert float(torch.corrcoef(y.flatten(1).T)[0, 1].abs()) < 0.1


def test_verdicts_can_fail() -> None:
    good = {"deep2.mse": 0.03, "pca2.mse": 0.05, "deep8.mse": 0.01, "pca8.mse": 0.02}
    assert falls(good)
    assert not falls(good | {"deep8.mse": 0.04})
    assert beats_components(2, good)
    assert not beats_components(2, good | {"deep2.mse": 0.045})
    flat = {"linear2.mse": 0.051, "pca2.mse": 0.05, "linear2.train": 0.05, "pca2.train": 0.049}
    assert linear_is_pca(flat)
    assert not linear_is_pca(flat | {"linear2.train": 0.04}), "nothing linear is below the optimum"
    assert not depends(8, {"deep8.explained": 50.0, "shuffled8.explained": 40.0})
    assert any(claim.holds is not None for claim in CLAIMS)
