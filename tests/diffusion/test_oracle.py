import pytest
import torch

from likeness.data.toys import moons
from likeness.data.truth import Mixture
from likeness.diffusion.oracle import Exact
from likeness.errors import InputError


def mixture() -> Mixture:
    L = torch.randn(3, 2, 2).tril()
    L.diagonal(dim1=1, dim2=2).abs_().add_(0.4)
    return Mixture(torch.randn(3, 2) * 2, L, weights=torch.tensor([0.2, 0.3, 0.5]), labels=torch.tensor([0, 1, 1]))


def test_density_and_denoiser_are_those_of_the_noised_mixture() -> None:
    truth, x = mixture(), 3 * torch.randn(40, 2)
    D, sigma = Exact(truth), torch.full((40,), 0.8)
    torch.testing.assert_close(D.log_prob(x, sigma), truth.noised(0.8).log_prob(x), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(D(x, sigma), x + 0.64 * truth.noised(0.8).score(x), rtol=1e-4, atol=1e-4)


def test_each_row_has_its_own_level() -> None:
    truth, x = mixture(), torch.randn(2, 2)
    both = Exact(truth)(x, torch.tensor([0.1, 3.0]))
    alone = [Exact(truth)(x[i : i + 1], torch.tensor([s]))[0] for i, s in enumerate((0.1, 3.0))]
    torch.testing.assert_close(both, torch.stack(alone))


def test_the_denoiser_is_the_mean_of_the_posterior_by_simulation() -> None:
    truth, sigma = mixture(), 0.7
    y = truth.sample(1, generator=3) + 0.3
    x0 = truth.sample(400_000, generator=4)
    weight = (-(x0 - y).square().sum(1) / (2 * sigma**2)).softmax(0)
    found = Exact(truth)(y, torch.tensor([sigma]))[0]
    torch.testing.assert_close(found, weight @ x0, atol=0.02, rtol=0)


def test_classes_by_bayes() -> None:
    truth, x, sigma = mixture(), 2 * torch.randn(30, 2), torch.full((30,), 0.5)
    y = torch.randint(2, (30,))
    each = [w * truth.of_class(c).noised(0.5).log_prob(x).exp() for c, w in ((0, 0.2), (1, 0.8))]
    wanted = torch.where(y == 0, each[0], each[1]) / (each[0] + each[1])
    torch.testing.assert_close(Exact(truth).log_class(x, sigma, y).exp(), wanted, rtol=1e-4, atol=1e-5)


def test_ends() -> None:
    """No noise: x itself. All noise: the mean of the data."""
    truth = moons()
    x = truth.sample(20, generator=0)
    torch.testing.assert_close(Exact(truth)(x, torch.full((20,), 1e-4)), x, atol=1e-3, rtol=0)
    torch.testing.assert_close(
        Exact(truth)(x, torch.full((20,), 1e4)), truth.means.mean(0).expand(20, 2), atol=1e-3, rtol=0
    )
    with pytest.raises(InputError, match="no classes"):
        Exact(Mixture(torch.zeros(1, 2), 1.0)).log_class(x, torch.ones(20), torch.zeros(20, dtype=torch.long))
