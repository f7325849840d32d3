"""The arithmetic of σ, sums and means: the table of usual losses, and models that prove two losses to be one."""

import math
from itertools import repeat

import pytest
import torch
from linear_gaussian import data, linear_vae, spectrum
from torch import Tensor
from torch.optim import SGD

from likeness.core import train
from likeness.data.batch import Batch
from likeness.density.conversion import (
    Loss,
    converted,
    effective_sigma,
    explained,
    kl_weight,
    optimal_variance,
    principal_variances,
    rescaled,
    used_directions,
)
from likeness.density.latents import Posterior, kl
from likeness.density.likelihoods import Gaussian
from likeness.errors import InputError

D, L = 784, 20
WRITTEN = {
    "sum, σ": (Loss(0.1), 0.1),
    "sum, no σ": (Loss(), math.sqrt(0.5)),
    "half the sum": (Loss(1.0), 1.0),
    "mean, σ": (Loss(0.1, mean_error=True), 2.8),
    "mean, σ = 1": (Loss(1.0, mean_error=True), 28.0),
    "mean, no σ": (Loss(mean_error=True), math.sqrt(D / 2)),
    "means": (Loss(mean_error=True, mean_kl=True), math.sqrt(D / (2 * L))),
    "mean, σ / √D": (Loss(0.1 / 28, mean_error=True), 0.1),
    "β = σ² on half the sum": (Loss(1.0, beta=0.01), 0.1),
}


@pytest.mark.parametrize(("loss", "sigma"), WRITTEN.values(), ids=WRITTEN)
def test_the_losses_that_people_write(loss: Loss, sigma: float) -> None:
    assert effective_sigma(loss, D, L) == pytest.approx(sigma)


@pytest.mark.parametrize("loss", [row[0] for row in WRITTEN.values()], ids=WRITTEN)
@pytest.mark.parametrize("to", [Loss(), Loss(mean_error=True), Loss(beta=4.0, mean_error=True, mean_kl=True)])
def test_a_converted_loss_is_the_same_model(loss: Loss, to: Loss) -> None:
    other = converted(loss, to, D, L)
    assert other[1:] == to[1:]
    assert effective_sigma(other, D, L) == pytest.approx(effective_sigma(loss, D, L))


def test_a_mean_over_784_pixels_is_a_kl_weight_of_784() -> None:
    assert kl_weight(Loss(0.1, mean_error=True), D) == pytest.approx(784)
    assert kl_weight(Loss(0.1, beta=4.0), D) == pytest.approx(4)
    assert kl_weight(Loss(0.1), D) == pytest.approx(1)


def by_hand(loss: Loss, x: Tensor, steps: int) -> Tensor:
    """A linear VAE trained on the loss exactly as it is written, scaled so that steps are alike; its decoder."""
    torch.manual_seed(3)
    vae = linear_vae(2, 1.0)
    scale = (5 if loss.mean_error else 1) * loss.meant**2 / effective_sigma(loss, 5, 2) ** 2
    moves = SGD(vae.parameters(), 2e-3)
    for _ in range(steps):
        q = Posterior.of(vae.E(x))
        error = (vae.D(q.at(torch.randn(len(x), 2))) - x).square() / (2 * loss.meant**2)
        divergence = kl(q)
        error = error.mean(1) if loss.mean_error else error.sum(1)
        divergence = divergence.mean(1) if loss.mean_kl else divergence.sum(1)
        moves.zero_grad()
        (scale * (error + loss.beta * divergence).mean()).backward()
        moves.step()
    return vae.D.weight.detach()


@pytest.mark.parametrize("to", [Loss(mean_error=True), Loss(beta=3.0), Loss(mean_error=True, mean_kl=True)])
def test_losses_that_convert_into_each_other_train_the_same_weights(to: Loss) -> None:
    x, loss = data() - torch.arange(5.0), Loss(0.6)
    expected = by_hand(loss, x, 40)
    torch.testing.assert_close(by_hand(converted(loss, to, 5, 2), x, 40), expected, rtol=1e-3, atol=1e-4)
    assert not torch.allclose(by_hand(Loss(0.6, mean_error=True), x, 40), expected, rtol=1e-2, atol=1e-2)


def test_a_mean_over_dimensions_collapses_where_a_sum_does_not() -> None:
    x = data()
    variances = principal_variances(x)
    torch.testing.assert_close(variances, spectrum(x)[0], rtol=1e-3, atol=1e-4)
    loss = Loss(1.2, mean_error=True)
    assert used_directions(variances, 1.2) == 1
    assert used_directions(variances, effective_sigma(loss, 5)) == 0
    vae = linear_vae(2, effective_sigma(loss, 5))
    for _ in train(vae, repeat(Batch(x), 400), torch.optim.Adam(vae.parameters(), 3e-2)):
        pass
    assert float(kl(vae.encode(x)).sum(1).mean()) < 0.05


def test_the_optimal_variance_maximises_the_likelihood() -> None:
    x, mu = torch.randn(50, 3, 4), torch.randn(50, 3, 4)
    best = float(optimal_variance(x, mu))
    value = [float(Gaussian(math.sqrt(best * f)).log_prob(x, mu).mean()) for f in (0.95, 1.0, 1.05)]
    assert value[1] > max(value[0], value[2])


def test_pixels_of_another_range() -> None:
    assert rescaled(0.1, (0, 1), (-1, 1)) == pytest.approx(0.2)
    assert rescaled(25.5, (0, 255), (0, 1)) == pytest.approx(0.1)


def test_in_words() -> None:
    found = explained(Loss(0.1, mean_error=True), 784)
    assert found.code == "kl-weight"
    assert found.saw.startswith("mean-MSE with σ = 0.1 on 784 pixels is a KL weight of 784:")
    assert "σ = 2.8, not 0.1" in found.saw
    assert "σ = 0.00357" in found.remedy
    assert explained(Loss(0.1), 784).remedy == ""
    assert "none" in explained(Loss(0.1, mean_error=True), 784, variances=torch.tensor([5.1, 3.0])).saw
    assert "set β to 1" in explained(Loss(0.1, beta=4.0), 784).remedy


@pytest.mark.parametrize("loss", [Loss(0.0), Loss(-1.0), Loss(beta=0.0)])
def test_numbers_that_are_not_above_zero_are_refused(loss: Loss) -> None:
    with pytest.raises(InputError, match="above zero"):
        effective_sigma(loss, 784)
    with pytest.raises(InputError, match="dimensions 0"):
        effective_sigma(Loss(), 0)
