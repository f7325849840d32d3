"""A likelihood is the one that was named, and what its numbers are of is known."""

import pytest

from likeness.data import load
from likeness.density.likelihoods import Bernoulli, DiscretisedLogistic, Gaussian, GaussianMap
from likeness.density.mixed import Mixed
from likeness.recipes.decoders import levels_of, likelihood_of
from likeness.recipes.facts import facts_of


@pytest.fixture(scope="module")
def facts():
    return facts_of(load("mixed-table", limit=200))


def test_names_and_what_they_stand_for(facts) -> None:
    kinds = {
        None: Gaussian,
        "gaussian": Gaussian,
        "gaussian-map": GaussianMap,
        "logistic": DiscretisedLogistic,
        "bernoulli": Bernoulli,
        "mixed": Mixed,
    }
    assert {name: type(likelihood_of(name, facts)) for name in kinds} == kinds
    assert {name: levels_of(name, facts) for name in kinds if levels_of(name, facts)} == {
        "logistic": 256,
        "bernoulli": 2,
    }


def test_a_sigma_that_is_given_is_not_learned(facts) -> None:
    given, learned = likelihood_of(None, facts, sigma=0.3), likelihood_of(None, facts)
    assert float(given.sigma) == pytest.approx(0.3)
    assert not list(given.parameters())
    assert len(list(learned.parameters())) == 1


def test_a_logistic_has_the_levels_of_the_data(facts) -> None:
    digits = facts._replace(levels=17)
    assert levels_of("logistic", digits) == 17
    assert likelihood_of("logistic", digits).step == pytest.approx(2 / 16)
