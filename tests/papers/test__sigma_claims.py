"""Verdicts that can fail: a model that does not collapse where it must, an error that rises as σ falls."""

from likeness.papers._sigma_claims import IMAGES, collapses, falls, within


def test_what_must_collapse_does() -> None:
    assert collapses([{"threshold": 0.8, "1.0.kl": 0.01, "0.5.kl": 3.0}])
    assert not collapses([{"threshold": 0.8, "1.0.kl": 0.1}])


def test_the_error_falls_with_sigma_below_the_threshold() -> None:
    n = {"threshold": 0.8, "1.0.error": 4.0, "0.5.error": 2.0, "0.1.error": 1.0}
    assert falls([n])
    assert not falls([n | {"0.1.error": 2.5}])
    assert falls([n | {"1.0.error": 1.0}])


def test_nearness_is_of_shares() -> None:
    assert within("a", "b", 0.05)([{"a": 1.04, "b": 1.0}])
    assert not within("a", "b", 0.05)([{"a": 1.06, "b": 1.0}])


def test_mnist_claims_the_prediction() -> None:
    n = {"mnist.mean.kl": 0.0, "mnist.above.kl": 0.0, "mnist.below.kl": 2.0, "mnist.sum.kl": 50.0}
    assert all(c.holds([n]) for c in IMAGES if c.holds)
    assert not IMAGES[1].holds([n | {"mnist.mean.kl": 1.0}])
    assert not IMAGES[2].holds([n | {"mnist.below.kl": 0.0}])
