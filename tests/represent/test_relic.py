"""The contract with and without a target, that the penalty does what it is for, and that it learns."""

from typing import Any

import pytest
import torch
from contrasting import encoder, few_shots, head, images, learned, parts, views
from torch.optim import SGD, Adam

from likeness.core import learn
from likeness.errors import InputError
from likeness.represent.contrast import between
from likeness.represent.invariance import divergence, resemblance
from likeness.represent.relic import ReLIC
from likeness.represent.sphere import normalise
from likeness.testing import check_method

VARIANTS: dict[str, dict[str, Any]] = {
    "both directions": {},
    "one direction": {"symmetric": False},
    "target": {"decay": 0.9},
    "contrast alone": {"alpha": 0.0},
}


@pytest.mark.parametrize("given", VARIANTS.values(), ids=VARIANTS)
def test_contract(given: dict[str, Any]) -> None:
    check_method(lambda: ReLIC(encoder(), head(), views(), **given), images(), lambda m: Adam(m.parameters(), 1e-3))


def test_without_the_penalty_it_is_symmetric_info_nce() -> None:
    method, x = ReLIC(encoder(), head(), views(), alpha=0.0), images().x
    z1, z2 = normalise(method.g(method.f(x))).chunk(2)
    terms = method.terms(x)
    expected = (between(z1, z2, tau=0.2) + between(z2, z1, tau=0.2)).mean()
    assert float(terms["contrast"]) == pytest.approx(float(expected.detach()), abs=1e-6)
    assert float(terms["invariance"]) == 0


def test_a_target_follows_after_each_step() -> None:
    method = ReLIC(encoder(), head(), views(), decay=0.9)
    learn(method, images(), SGD(method.parameters(), 0.1))
    online = [*method.f.parameters(), *method.g.parameters()]
    torch.testing.assert_close(list(method.target.module.parameters()), [p.detach() for p in online])
    learn(method, images(), SGD(method.parameters(), 0.1))
    assert not torch.equal(next(method.target.module.parameters()), online[0])


@pytest.fixture(scope="module")
def found() -> dict[float, tuple[float, float]]:
    """Accuracy with few labels, and KL between the pairs of views of held-out digits, at each α."""
    values = {}
    for alpha in (0.0, 5.0):
        torch.manual_seed(0)
        method = ReLIC(encoder(12, 48), head(48), views(), alpha=alpha)
        before = few_shots(method)
        learned(method, 90)
        z1, z2 = (method.project(x) for x in views()(parts()[1].x[:256], generator=0))
        kl = divergence(resemblance(z1, z2, tau=0.2), resemblance(z2, z1, tau=0.2))
        values[alpha] = few_shots(method) - before, float(kl.mean())
    return values


def test_similarities_depend_less_on_the_views_with_the_penalty(found: dict[float, tuple[float, float]]) -> None:
    assert found[5.0][1] <= found[0.0][1] / 2


def test_it_learns_features_that_few_labels_suffice_for(found: dict[float, tuple[float, float]]) -> None:
    assert found[0.0][0] > 0.1
    assert found[5.0][0] > 0.05


def test_bad_input_is_said_in_one_line() -> None:
    for given, said in (({"tau": 0}, "temperature"), ({"alpha": -1}, "alpha -1"), ({"decay": 1}, "decay 1")):
        with pytest.raises(InputError, match=said):
            ReLIC(encoder(), head(), views(), **given)
