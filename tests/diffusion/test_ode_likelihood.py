import math

import pytest
import torch

from likeness.data.toys import ring
from likeness.data.truth import Mixture
from likeness.diffusion.ddim import inverted
from likeness.diffusion.denoisers import over
from likeness.diffusion.ode_likelihood import decoded, encoded, gaussian, log_prob, rademacher
from likeness.diffusion.oracle import Exact
from likeness.diffusion.schedules import cosine, karras
from likeness.errors import InputError
from likeness.sampling import streams

L = torch.tensor([[[1.0, 0.0], [0.6, 0.5]], [[0.2, 0.0], [0.0, 0.3]], [[0.1, 0.0], [0.05, 0.1]]])
TRUTH = Mixture(torch.tensor([[1.0, -1.0], [-1.5, 0.5], [0.5, 1.5]]), L, weights=torch.tensor([0.5, 0.3, 0.2]))


@pytest.mark.parametrize("truth", [TRUTH, ring(8, std=0.1)], ids=["unlike", "ring"])
def test_it_is_the_density_of_a_mixture(truth: Mixture) -> None:
    """Within 0.01 nats a dimension, of each sample; with the published levels and with a trained schedule's."""
    x = truth.sample(500, generator=0)
    off = log_prob(Exact(truth), x, karras(150, 0.002, 400.0)) - truth.log_prob(x)
    assert float(off.abs().max()) / 2 < 0.01
    off = log_prob(Exact(truth), x, cosine(1000).levels(200)) - truth.noised(float(cosine(1000).sigmas[0])).log_prob(x)
    assert float(off.abs().mean()) / 2 < 0.01


def test_it_is_exact_in_one_step_for_data_that_stand_still() -> None:
    """A Gaussian with the deviation s does not move in the unit u."""
    truth, x = Mixture(torch.zeros(1, 3), 0.7), torch.randn(50, 3)
    levels = karras(2, 1e-3, 50.0)
    found = log_prob(Exact(truth), x, levels, std=0.7)
    torch.testing.assert_close(found, truth.noised(1e-3).log_prob(x), atol=1e-4, rtol=1e-5)


def test_probes_estimate_the_trace_without_bias() -> None:
    """The mean over many probes is the exact value, and its error falls with their number."""
    d = 6
    truth = Mixture(torch.zeros(1, d), torch.linalg.cholesky(0.3 * torch.eye(d) + 0.7)[None])
    D, x, levels = Exact(truth), truth.sample(1, generator=0).expand(400, d), karras(40, 0.05, 50.0)
    exact = log_prob(D, x[:1], levels)
    for probe in (rademacher, gaussian):
        one = log_prob(D, x, levels, probes=1, probe=probe, generator=0)
        four = log_prob(D, x, levels, probes=4, probe=probe, generator=0)
        for found in (one, four):
            assert float((found.mean() - exact).abs()) < 4 * float(found.std()) / 20
        assert 1.5 < float(one.std() / four.std()) < 2.7
        v = probe(streams(0), 50_000, (3,))
        torch.testing.assert_close(v.T @ v / 50_000, torch.eye(3), atol=0.03, rtol=0)


def test_signs_see_a_diagonal_jacobian_without_error() -> None:
    truth, x = Mixture(torch.zeros(1, 4), 0.5), torch.randn(10, 4)
    args = Exact(truth), x, karras(30, 0.01, 50.0)
    torch.testing.assert_close(log_prob(*args, probes=1, generator=3), log_prob(*args), atol=1e-4, rtol=1e-5)
    assert not torch.allclose(log_prob(*args, probes=1, probe=gaussian, generator=3), log_prob(*args), atol=1e-2)


def test_a_sample_has_the_same_value_in_any_batch() -> None:
    x, levels = TRUTH.sample(8, generator=0), karras(20, 0.01, 50.0)
    for probes in (None, 2):
        whole = log_prob(Exact(TRUTH), x, levels, probes=probes, generator=7)
        torch.testing.assert_close(log_prob(Exact(TRUTH), x[:3], levels, probes=probes, generator=7), whole[:3])


def test_images_and_gradients_of_networks_are_left_alone() -> None:
    """Of any shape, also under no_grad, and no parameter receives a gradient."""
    weight = torch.ones((), requires_grad=True)
    x, levels = torch.randn(3, 1, 2, 2), karras(30, 0.01, 100.0)

    def shrunk(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        return weight * x / over(1 + sigma.square(), x)

    with torch.no_grad():
        found = log_prob(shrunk, x, levels)
    wanted = -(x.flatten(1).square().sum(1) + 4 * math.log(2 * math.pi)) / 2
    torch.testing.assert_close(found, wanted, atol=2e-3, rtol=1e-3)
    assert weight.grad is None
    assert not found.requires_grad
    assert not encoded(shrunk, x, levels).requires_grad


def test_codes_come_back_and_are_of_second_order() -> None:
    """Walked there and back; and against the closed form, twice the steps leave a quarter of the error."""
    D, x, levels = Exact(TRUTH), TRUTH.sample(200, generator=0), karras(200, 0.002, 80.0)
    assert float((decoded(D, encoded(D, x, levels), levels) - x).abs().max()) < 2e-2
    one = Mixture(torch.zeros(1, 2), 0.4)
    y = one.sample(200, generator=1).double()
    exact = y * ((0.16 + 80.0**2) / (0.16 + 0.01**2)) ** 0.5
    errors = [float((encoded(Exact(one), y, karras(k, 0.01, 80.0)) - exact).abs().max()) for k in (60, 120)]
    assert 3.3 < errors[0] / errors[1] < 5
    first = float((inverted(Exact(one), y, karras(120, 0.01, 80.0)) - exact).abs().max())
    assert errors[1] < first / 5


def test_bad_levels_and_probes_are_named() -> None:
    D, x = Exact(TRUTH), torch.zeros(1, 2)
    with pytest.raises(InputError, match="fall"):
        log_prob(D, x, torch.tensor([1.0, 2.0]))
    with pytest.raises(InputError, match="two or more above zero"):
        encoded(D, x, torch.tensor([1.0, 0.0]))
    with pytest.raises(InputError, match="0 probes"):
        log_prob(D, x, torch.tensor([2.0, 1.0]), probes=0)
