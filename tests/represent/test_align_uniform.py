"""The contract of every mixture of terms, the collapse of alignment alone, and that uniformity prevents it."""

from typing import Any

import pytest
import torch
from contrasting import encoder, few_shots, head, images, learned, parts, views
from torch.optim import Adam

from likeness.core import learn
from likeness.errors import InputError
from likeness.represent.align_uniform import AlignUniform, queued
from likeness.represent.contrast import nt_xent
from likeness.represent.sphere import alignment, normalise, uniformity
from likeness.testing import check_method

VARIANTS: dict[str, dict[str, Any]] = {
    "both": {},
    "alone": {"uniform": 0.0, "alpha": 1.5},
    "uniform": {"align": 0.0, "t": 3.0},
    "with contrast": {"contrast": 1.0, "tau": 0.2},
}


@pytest.mark.parametrize("given", VARIANTS.values(), ids=VARIANTS)
def test_contract(given: dict[str, Any]) -> None:
    check_method(
        lambda: AlignUniform(encoder(), head(), views(), **given), images(), lambda m: Adam(m.parameters(), 1e-3)
    )


def test_terms_are_weighted_as_they_are_said() -> None:
    z1, z2 = (normalise(torch.randn(8, 4)) for _ in range(2))
    given = {"align": 0.98, "uniform": 0.96, "alpha": 3.0, "t": 1.5, "contrast": 0.5, "tau": 0.3}
    terms = AlignUniform(encoder(), head(), views(), **given).terms(z1, z2)
    torch.testing.assert_close(terms["alignment"], 0.98 * alignment(z1, z2, alpha=3.0).mean())
    torch.testing.assert_close(terms["uniformity"], 0.48 * (uniformity(z1, t=1.5) + uniformity(z2, t=1.5)))
    torch.testing.assert_close(terms["contrast"], 0.5 * nt_xent(z1, z2, tau=0.3).mean())


def test_of_a_queue_the_alignment_is_that_of_the_authors_code() -> None:
    q, k, rows = normalise(torch.randn(8, 4)), normalise(torch.randn(8, 4)), normalise(torch.randn(20, 4))
    terms = queued()(q, k, rows)
    torch.testing.assert_close(terms["alignment"], 3 * (2 - 2 * (q * k).sum(1).mean()))
    near = torch.cat(((2 - 2 * q @ rows.T).flatten(), torch.pdist(q).square().repeat(2)))
    torch.testing.assert_close(terms["uniformity"], (-3 * near).exp().mean().log())


@pytest.fixture(scope="module")
def found() -> dict[str, tuple[float, float]]:
    """Accuracy with few labels, and uniformity, of encoders that learned with and without uniformity."""
    values = {}
    for name, uniform in {"random": None, "alignment alone": 0.0, "both": 1.0}.items():
        torch.manual_seed(0)
        method = AlignUniform(encoder(12, 48), head(48), views(), uniform=uniform or 0.0)
        if uniform is not None:
            learned(method)
        values[name] = few_shots(method), float(uniformity(method.project(parts()[1].x)))
    return values


def test_alignment_alone_collapses_and_with_uniformity_it_does_not(found: dict[str, tuple[float, float]]) -> None:
    assert found["alignment alone"][1] > -0.1
    assert found["both"][1] < -2.2


def test_it_learns_features_that_few_labels_suffice_for(found: dict[str, tuple[float, float]]) -> None:
    assert found["both"][0] > found["random"][0] + 0.1
    assert found["both"][0] > found["alignment alone"][0] + 0.2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"align": 0.0, "uniform": 0.0}, "one above zero"),
        ({"uniform": -1.0}, "zero or more"),
        ({"alpha": 0.0}, "alpha 0"),
        ({"t": -2.0}, "t -2"),
        ({"tau": 0.0}, "temperature"),
    ],
)
def test_bad_input_is_said_in_one_line(given: dict[str, float], said: str) -> None:
    with pytest.raises(InputError, match=said):
        AlignUniform(encoder(), head(), views(), **given)


def test_a_batch_of_one_has_no_pairs() -> None:
    method = AlignUniform(torch.nn.Flatten(), torch.nn.Linear(64, 4), views())
    with pytest.raises(InputError, match="uniformity of a batch of 1"):
        learn(method, images(1), Adam(method.parameters()))
    with pytest.raises(InputError, match="one above zero"):
        queued(align=0.0, uniform=0.0)
