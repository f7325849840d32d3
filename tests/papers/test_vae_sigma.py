"""The card's parts: what is written is what is trained, and what is measured is named."""

import pytest
import torch

from likeness.density.likelihoods import Gaussian
from likeness.doctor.sigmas import Point
from likeness.papers import vae_sigma
from likeness.papers.card import verdict
from likeness.papers.vae_sigma import BUDGETS, CARD, AsWritten, Budget, best, fixed, has_mnist, perceptron


def test_the_loss_as_written_is_a_gaussian_over_its_dimensions() -> None:
    """The gradient of the mean with σ/√D is that of the sum with σ."""
    x, mu = torch.randn(5, 1, 8, 8), torch.randn(5, 1, 8, 8, requires_grad=True)
    slopes = [torch.autograd.grad(lik.log_prob(x, mu).sum(), mu)[0] for lik in (AsWritten(0.1 / 8), fixed(0.1))]
    torch.testing.assert_close(*slopes)


def test_the_network_is_the_one_that_is_named() -> None:
    sizes = [m.out_features for m in perceptron(Gaussian()).modules() if isinstance(m, torch.nn.Linear)]
    assert sizes == [256, 128, 32, 128, 256, 64]


def test_the_best_of_each_kind_is_found() -> None:
    points = {0.5: Point(0.5, 3.0, 1, 1, 5.0, 8.0, 9.0, 1), 0.1: Point(0.1, 1.0, 9, 5, 2.0, 9.0, 7.0, 1)}
    found = best(points)
    assert (found["best.bound"], found["best.means"], found["best.samples"]) == (0.1, 0.5, 0.1)
    assert found["frechet.sharpest"] == 9


def test_mnist_counts_where_it_is(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("LIKENESS_DATA", raising=False)
    assert not has_mnist()
    (tmp_path / "mnist").mkdir()
    monkeypatch.setenv("LIKENESS_DATA", str(tmp_path))
    assert has_mnist()


@pytest.mark.slow
def test_the_card_names_what_is_measured(monkeypatch) -> None:
    monkeypatch.setitem(BUDGETS, "quick", Budget((1.0, 0.5, 0.1, 0.05), 30, 0, 0))
    monkeypatch.setattr(vae_sigma, "ARRIVES", 30)
    found = CARD.measure(0, "quick")
    quick = [c for c in CARD.claims if "quick" in c.scales]
    assert {c.key for c in quick} | {c.baseline for c in quick if c.baseline} <= set(found)
    assert all(torch.tensor(list(found.values())).isfinite())
    verdict(CARD, "quick", {0: found}, 0.0)
