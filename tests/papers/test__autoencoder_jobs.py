"""Denoising is held against the better of two baselines, and MNIST counts only where it is."""

import pytest

from likeness.papers._autoencoder_jobs import gains, has_mnist


def test_a_gain_is_over_both_baselines() -> None:
    assert gains(0.3, {"0.3.dae": 17.0, "0.3.pca": 15.0, "0.3.plain": 13.0})
    assert not gains(0.3, {"0.3.dae": 17.0, "0.3.pca": 13.0, "0.3.plain": 16.0})


def test_mnist_counts_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("LIKENESS_DATA", str(tmp_path))
    assert not has_mnist()
    (tmp_path / "mnist").mkdir()
    assert has_mnist()
