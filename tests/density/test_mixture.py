"""EM is scikit-learn's, step by step and in its outcome; the order is found; the draws are of the density."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.mixture import GaussianMixture

from likeness.core import train
from likeness.data.batch import Batch
from likeness.data.truth import Mixture as Truth
from likeness.density.mixture import EM, FORMS, Mixture, best_by_bic, covariances, full
from likeness.errors import InputError
from likeness.sampling import draw
from likeness.testing import check_method

MODES = torch.tensor([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]])
TRUTH = Truth(MODES, torch.tensor([[[1.0, 0.0], [0.5, 0.8]]]).repeat(3, 1, 1), weights=torch.tensor([0.5, 0.3, 0.2]))
X = TRUTH.sample(600, generator=0)


@pytest.mark.parametrize("form", FORMS)
def test_contract(form: str) -> None:
    check_method(lambda: Mixture(2, (2, 3), form=FORMS[form], tries=1), Batch(X[:100]), EM)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_step_is_a_step_of_scikit_learn(form: str) -> None:
    x = TRUTH.sample(400, generator=1).double()
    means = x[:4].numpy()
    mixture = Mixture(2, (4,), form=FORMS[form])
    known = GaussianMixture(4, covariance_type=FORMS[form].name, means_init=means, max_iter=1, tol=0, random_state=0)
    known.fit(x.numpy())
    with torch.no_grad():
        for p, values in zip(mixture.parameters(), (known.weights_, known.means_, covariances(known)), strict=True):
            p.copy_(torch.from_numpy(values))
    for _ in range(5):
        _, log_resp = known._e_step(x.numpy())
        known._m_step(x.numpy(), log_resp)
        mixture.iteration = 1
        for _ in train(mixture, [Batch(x)], EM(mixture)):
            pass
        assert np.allclose(mixture.w.detach(), known.weights_, atol=1e-9)
        assert np.allclose(mixture.m.detach(), known.means_, atol=1e-8)
        assert np.allclose(mixture.C.detach(), covariances(known), atol=1e-8)
    assert np.allclose(mixture.log_prob(x).detach(), known.score_samples(x.numpy()), atol=1e-8)


def test_the_order_is_found_and_the_likelihood_near_that_of_the_truth() -> None:
    mixture = Mixture(2, (1, 2, 3, 4, 5), tries=1)
    terms = [float(s.terms["nll"]) for s in train(mixture, [Batch(X)] * 10, EM(mixture))]
    assert mixture.components == 3
    assert all(b <= a + 1e-6 for a, b in pairwise(terms)), "EM never loses likelihood"
    new = TRUTH.sample(4000, generator=5)
    gap = (TRUTH.log_prob(new) - mixture.log_prob(new).detach()).mean()
    assert 0 < gap < 0.05, "no density is likelier than the truth; 17 parameters of 600 samples cost 0.014 nats"


def test_draws_follow_the_density() -> None:
    mixture = Mixture(2, (3, 9), tries=1)
    mixture.start(X)
    x = draw(mixture.sample, 20_000, generator=0)
    near = torch.cdist(x, MODES).argmin(1).bincount() / len(x)
    assert (near - torch.tensor([0.5, 0.3, 0.2])).abs().max() < 0.04
    entropy = -mixture.log_prob(x).mean()
    assert abs(entropy + mixture.log_prob(X).mean()) < 0.05


def test_batches_that_are_parts_of_the_data_come_near_to_it() -> None:
    x = TRUTH.sample(4000, generator=2)
    mixture = Mixture(2, (3,), tries=1)
    parts = [Batch(part) for part in x.split(200)] * 3
    for _ in train(mixture, parts, EM(mixture, decay=0.6)):
        pass
    best = GaussianMixture(3, random_state=0).fit(x.numpy()).score(x.numpy())
    assert mixture.log_prob(x).mean() > best - 0.01


def test_wrong_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="components"):
        Mixture(2, ())
    with pytest.raises(InputError, match="5 components for 3 samples"):
        best_by_bic(np.zeros((3, 2)), (5,), full, floor=1e-6, tries=1, seed=0)
    with pytest.raises(InputError, match="lr 2"):
        EM(Mixture(2), lr=2)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_density_is_scikit_learns_and_integrates_to_one(form: str) -> None:
    mixture = Mixture(2, (3,), form=FORMS[form], tries=1)
    mixture.start(X)
    known = best_by_bic(X.double().numpy(), (3,), FORMS[form], floor=1e-6, tries=1, seed=0)
    new = TRUTH.sample(500, generator=2).double()
    assert np.allclose(mixture.log_prob(new).detach(), known.score_samples(new.numpy()), atol=1e-9)
    line = torch.linspace(-9, 15, 481, dtype=torch.float64)  # step 0.05
    with torch.no_grad():
        total = mixture.log_prob(torch.cartesian_prod(line, line)).exp().sum() * 0.05**2
    assert float(total) == pytest.approx(1, abs=1e-3)
