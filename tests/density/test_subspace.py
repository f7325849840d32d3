"""A density on principal components is one of the samples: that of probabilistic PCA for a Gaussian."""

import pytest
import torch
from sklearn.decomposition import PCA
from torch.optim import Adam

from likeness.core import train
from likeness.data.batch import Batch
from likeness.density.kde import KDE
from likeness.density.mixture import EM, Mixture
from likeness.density.subspace import InSubspace
from likeness.errors import InputError
from likeness.sampling import draw
from likeness.testing import check_method

G = torch.Generator().manual_seed(0)
X = (torch.randn(400, 9, generator=G) @ torch.diag(torch.linspace(2, 0.2, 9))).reshape(400, 1, 3, 3)


def gaussian(d: int) -> InSubspace:
    return InSubspace(Mixture(d, (1,), tries=1), (1, 3, 3), d)


@pytest.mark.parametrize("d", [3, 9])
def test_contract(d: int) -> None:
    check_method(lambda: gaussian(d), Batch(X[:40]), lambda m: EM(m.inner))
    check_method(lambda: InSubspace(KDE(d, 60), (1, 3, 3), d), Batch(X[:40]), lambda m: Adam(m.parameters(), 1e-2))


@pytest.mark.parametrize("d", [1, 4, 8])
def test_a_gaussian_in_it_is_probabilistic_pca(d: int) -> None:
    method = gaussian(d)
    for _ in train(method, [Batch(X)] * 2, EM(method.inner)):
        pass
    known = torch.from_numpy(PCA(d, svd_solver="full").fit(X.flatten(1).numpy()).score_samples(X.flatten(1).numpy()))
    assert (method.log_prob(X) - known).abs().max() < 0.1, "the one divides by n, the other by n − 1"
    assert (method.log_prob(X) - known).mean().abs() < 1e-3


def test_draws_have_the_covariance_of_the_model() -> None:
    method = gaussian(8)
    next(iter(method.updates(Batch(X))))
    x = draw(method.sample, 20_000, generator=0)
    assert x.shape == (20_000, 1, 3, 3)
    assert (x.flatten(1).T.cov() - X.flatten(1).T.cov()).abs().max() < 0.15
    assert abs(-method.log_prob(x).mean() + method.log_prob(X).mean()) < 0.1


def test_wrong_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="10 principal components of 9"):
        gaussian(10)
    with pytest.raises(InputError, match="4 principal components of 3 samples"):
        gaussian(4).start(X[:3])
