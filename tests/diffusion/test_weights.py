import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from likeness.data.truth import Mixture
from likeness.diffusion.bound import term
from likeness.diffusion.denoisers import PARAMETERISATIONS, Prediction, over
from likeness.diffusion.oracle import Exact
from likeness.diffusion.schedules import cosine, linear
from likeness.diffusion.transitions import Steps, small, transitions
from likeness.diffusion.weights import WEIGHTS, edm, inverse_square, min_snr, target, vlb, weighted
from likeness.errors import InputError

SIGMAS = torch.tensor([0.002, 0.1, 1.0, 10.0, 80.0], dtype=torch.double)


@pytest.mark.parametrize("name", ["noise", "x0", "v", "velocity", "edm"])
def test_a_row_of_weights_is_the_squared_error_of_what_is_predicted(name: str) -> None:
    row = PARAMETERISATIONS[name]
    x0, eps, D = torch.randn(3, 5, 4, dtype=torch.double)
    x = x0 + over(SIGMAS, x0) * eps
    by_hand = (row.predicted(D, x, SIGMAS) - row.predicted(x0, x, SIGMAS)).square().mean(1)
    loss = WEIGHTS[name](SIGMAS) * (D - x0).square().mean(1)
    torch.testing.assert_close(loss, by_hand, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("name", PARAMETERISATIONS)
def test_the_loss_in_the_networks_own_terms_is_the_same_loss(name: str, weight: str) -> None:
    row, w = PARAMETERISATIONS[name], WEIGHTS[weight]
    x0, eps, F = torch.randn(3, 5, 4, dtype=torch.double)
    x = x0 + over(SIGMAS, x0) * eps
    plain = w(SIGMAS) * (row.denoised(F, x, SIGMAS) - x0).square().mean(1)
    torch.testing.assert_close(weighted(w, row, F, target(row, x0, eps, SIGMAS), SIGMAS), plain, rtol=1e-6, atol=1e-6)


def test_the_target_of_little_noise_keeps_its_digits_in_single_precision() -> None:
    x0, eps = 5 + torch.randn(1000, 3), torch.randn(1000, 3)
    sigma = torch.full((1000,), 1e-4, dtype=torch.double)
    assert torch.equal(target(PARAMETERISATIONS["noise"], x0, eps, sigma), eps)
    spoilt = PARAMETERISATIONS["noise"].predicted(x0, x0 + over(sigma, x0) * eps, sigma)
    assert float((spoilt - eps).abs().max()) > 1e-3


@given(gamma=st.floats(0.1, 50), sigma=st.floats(0.01, 100))
def test_min_snr_is_capped_and_elsewhere_the_error_of_the_noise(gamma: float, sigma: float) -> None:
    level = torch.tensor([sigma], dtype=torch.double)
    assert float(min_snr(gamma)(level)) == pytest.approx(min(gamma, 1 / sigma**2))


@pytest.mark.parametrize("schedule", [linear(50), cosine(30)])
def test_the_bounds_weight_is_what_a_term_gains_by_an_error(schedule) -> None:
    """T L_t − T L_t(perfect) = w ‖D − x₀‖² for fixed variances, summed over the dimensions; above the last step."""
    T, sigma = schedule.T, schedule.sigmas[1:]
    whole = transitions(schedule.levels(T))
    step = Steps(*(part.flip(0)[1:] for part in whole))
    x0, D = torch.randn(2, T - 1, 4, dtype=torch.double)
    gain = term(step, Prediction(D), x0, small) - term(step, Prediction(x0), x0, small)
    wanted = vlb(schedule)(sigma) * (D - x0).square().sum(1)
    torch.testing.assert_close(T * gain, wanted, rtol=1e-8, atol=1e-8)
    first = vlb(schedule)(schedule.sigmas[:1])
    assert float(first) == pytest.approx(T / 2 * float((-whole.log_small[-1]).exp()))


@pytest.mark.parametrize("weight", [inverse_square, WEIGHTS["x0"], edm(1.0), min_snr(5), WEIGHTS["velocity"]])
def test_no_denoiser_is_better_than_the_exact_one(weight) -> None:
    truth = Mixture(torch.tensor([[-2.0, 0.0], [1.0, 1.0]]), 0.5)
    D, n = Exact(truth), 50_000
    x0 = truth.sample(n, generator=0)
    torch.manual_seed(1)
    sigma = (0.5 * torch.randn(n, dtype=torch.double)).exp()
    x = x0 + over(sigma, x0) * torch.randn_like(x0)
    best = D(x, sigma)

    def loss(found: torch.Tensor) -> float:
        return float((weight(sigma) * (found - x0).square().mean(1)).mean())

    for worse in (1.1 * best, best + 0.1, x, best + 0.1 * torch.sin(3 * x), 0.9 * best + 0.1 * x):
        assert loss(worse) > loss(best)


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match="gamma 0"):
        min_snr(0.0)
    with pytest.raises(InputError, match="sigma_data -1"):
        edm(-1.0)
