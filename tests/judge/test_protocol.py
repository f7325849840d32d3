from dataclasses import replace

import pytest
import torch

from likeness.errors import InputError
from likeness.judge.protocol import Protocol, fingerprint, same_protocol, weights_hash

ONE = Protocol("a" * 64, 100, 50, "raw", "", "none", "float32", 5, 0)


def test_like_protocols_may_stand_together():
    newer = replace(ONE, versions={"torch": "99"})
    assert same_protocol({"a": ONE, "b": newer}) is ONE


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reference", "b" * 64),
        ("n_reference", 99),
        ("n", 49),
        ("features", "pca64"),
        ("weights", "c" * 64),
        ("resize", "bilinear"),
        ("dtype", "float16"),
        ("neighbours", 3),
        ("seed", 1),
        ("train", "d" * 64),
        ("heldout", "e" * 64),
    ],
)
def test_any_other_difference_is_refused_by_name(field, value):
    with pytest.raises(InputError, match=f"first and second .*{field}: .* and {str(value)[:12]}"):
        same_protocol({"first": ONE, "second": replace(ONE, **{field: value})})


def test_nothing_to_compare():
    with pytest.raises(InputError, match="nothing to compare"):
        same_protocol({})


def test_fingerprints_see_content_shape_and_type():
    x = torch.arange(6.0)
    prints = {fingerprint(z) for z in (x, x.clone(), x + 1, x.reshape(2, 3), x.double(), x.flip(0))}
    assert len(prints) == 5


def test_weights_hash_knows_names_and_not_their_order():
    a, b = torch.ones(2), torch.zeros(2)
    assert weights_hash({"a": a, "b": b}) == weights_hash({"b": b, "a": a}) != weights_hash({"a": b, "b": a})
