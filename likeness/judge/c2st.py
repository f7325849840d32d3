"""Classifier two-sample test: can a classifier tell generated from real, on samples it has not seen?

A small network is trained on half of both sets; t is its accuracy on the other half, n_te samples in equal parts.
Where both come from one distribution t is ½ on average, so
    t ≈ N(½, 1 / (4 n_te)),   z = (t − ½) · 2 √n_te,   p = P(N(0, 1) ≥ z)                (1)
Accuracy near ½ is good; below ½ is chance. Accuracy on training samples would be no test.

David Lopez-Paz, Maxime Oquab. Revisiting Classifier Two-Sample Tests. 2017. https://arxiv.org/abs/1610.06545
"""

import math
import warnings
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.errors import InputError
from likeness.judge.resample import mean_interval


class TwoSample(NamedTuple):
    """Held-out accuracy as (value, low, high), its z and p-value under "same distribution", and the samples used."""

    accuracy: tuple[float, float, float]
    z: float
    p: float
    n: int


def normal_test(accuracy: float, n: int) -> tuple[float, float]:
    """z and the one-sided p-value of a held-out accuracy on `n` samples."""
    z = (accuracy - 0.5) * 2 * n**0.5  # (1)
    return z, math.erfc(z / 2**0.5) / 2  # (1)


def c2st(x: Float[Tensor, "n d"], y: Float[Tensor, "m d"], *, largest: int = 5000, seed: int = 0) -> TwoSample:
    """The test on feature sets whose rows are in random order; equal numbers of both are used, `largest` at most.

    The interval is a percentile bootstrap over held-out samples, the classifier being given.

    Raises:
        InputError: fewer than 10 samples in either set.
    """
    n = min(len(x), len(y), largest)
    if n < 10:
        raise InputError(f"{n} samples are too few for a classifier test: give at least 10 of both")
    half = n // 2
    features = torch.cat((x[:n], y[:n])).double().cpu()
    truth = torch.arange(2).repeat_interleave(n)
    train = (torch.arange(n) < half).repeat(2)
    correct = (_predict(features[train], truth[train], features[~train], seed) == truth[~train]).double()
    z, p = normal_test(float(correct.mean()), len(correct))
    return TwoSample(mean_interval(correct, seed=seed), z, p, len(correct))


def _predict(x: Tensor, y: Tensor, x_new: Tensor, seed: int) -> Tensor:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    network = MLPClassifier(
        (64, 64), activation="tanh", alpha=0.1, learning_rate_init=0.003, max_iter=100, early_stopping=True,
        validation_fraction=0.2, random_state=seed,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = make_pipeline(StandardScaler(), network).fit(x.numpy(), y.numpy())
    return torch.from_numpy(model.predict(x_new.numpy()))
