"""Pairs that are what they are called; tests that see what they should; a level that can be missed."""

import pytest
import torch

from likeness.data.toys import TOYS
from likeness.papers._two_samples import CLAIMS, PAIR, at_its_level, learned, measure, p_values, pair


def test_repeats_are_fresh_and_repeatable() -> None:
    p = TOYS["normal"].make()
    first, again, other = pair(p, p, 50, 0, 1), pair(p, p, 50, 0, 1), pair(p, p, 50, 0, 2)
    assert torch.equal(first[0], again[0])
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first[0], other[0])


def test_each_statistic_sees_its_own_pair() -> None:
    found = p_values(400, 5, 0)
    assert found["mean.shifted"] < 0.001 < found["mean.wide"]
    assert found["variance.wide"] < 0.001 < found["variance.shifted"]
    assert found["ks.shifted"] < 0.001


@pytest.mark.parametrize("name", PAIR[1:3])
def test_a_classifier_sees_what_a_moment_does(name: str) -> None:
    found = learned(500, 50, 0)
    assert found[f"z.{name}"] > 3 > abs(found["z.normal"])


def test_claims_name_what_is_measured() -> None:
    found = measure(100, 2, 20, 0)
    assert {c.key for c in CLAIMS} | {c.baseline for c in CLAIMS if c.baseline} <= set(found)


def test_a_level_is_held_from_both_sides_unless_it_is_a_bound() -> None:
    def rates(*values: float) -> list[dict[str, float]]:
        return [{"ks.rate": v} for v in values]

    assert at_its_level("ks")(rates(0.04, 0.06, 0.05))
    assert not at_its_level("ks")(rates(0.09, 0.1, 0.08))
    assert not at_its_level("ks")(rates(0.0, 0.01, 0.0))
    assert at_its_level("ks", exact=False)(rates(0.0, 0.01, 0.0))
    assert not at_its_level("ks", exact=False)(rates(0.09, 0.1, 0.08))
