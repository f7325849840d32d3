"""KL has the moments, reverse KL seeks, JSD does what it is said to, and a verdict can fail."""

import pytest

from likeness.papers._divergences import ROWS, as_said, claims, gaussians


def test_one_gaussian_covers_or_seeks() -> None:
    found = gaussians()
    assert all(as_said(w, s, found) for w, s in ROWS)
    assert found["reverse.0.7.3.0.std"] == pytest.approx(0.7, abs=0.01)
    swapped = found | {"jsd.0.7.3.0.std": found["kl.0.7.3.0.std"]}
    assert not as_said(0.7, 3.0, swapped)
    assert all(c.key in found and c.baseline in found for c in claims())
