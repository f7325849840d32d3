"""The contract, the ramp, what counts and how much, and what pseudo-labels are worth on digits."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch.nn.functional import cross_entropy
from torch.optim import SGD, Adam

from likeness.core import learn
from likeness.data import load
from likeness.data.batch import Batch
from likeness.data.batching import whole
from likeness.errors import InputError
from likeness.nn.small_cnn import SmallCNN
from likeness.represent.pseudo_labels import PseudoLabels, confident, ramp
from likeness.testing import check_method

IMAGES = Batch(torch.rand(9, 1, 8, 8) * 2 - 1, torch.tensor([0, -1, 2, -1, -1, 1, -1, 0, -1]))


def small(**given: float) -> PseudoLabels:
    return PseudoLabels(SmallCNN(1, width=4, d=8), 3, **{"begin": 0, "end": 2, "threshold": 0.0} | given)


def test_contract() -> None:
    check_method(small, IMAGES, lambda m: Adam(m.parameters(), 1e-2))
    check_method(lambda: small(threshold=0.34), IMAGES, lambda m: Adam(m.parameters(), 1e-2))


def test_the_ramp() -> None:
    assert [ramp(t) for t in (0, 100, 350, 600, 10_000)] == [0, 0, 1.5, 3, 3]
    assert ramp(5, begin=5, end=5) == 0
    assert ramp(6, begin=5, end=5) == 3


def test_what_is_sure_counts() -> None:
    p = torch.tensor([[0.5, 0.5], [0.04, 0.96], [0.97, 0.03], [0.1, 0.9]])
    found = confident(p)
    assert (found.rows.tolist(), found.y.tolist()) == ([1, 2], [1, 0])
    assert found.precision(torch.tensor([0, 1, 1, 1])) == 0.5
    assert np.isnan(confident(p, threshold=1.0).precision(torch.tensor([0, 1, 1, 1])))


def test_the_loss_is_that_of_both_kinds_of_samples() -> None:
    model = small(alpha=0.7, end=0).eval()
    model.iteration = 1
    _, objective = next(model.updates(IMAGES))
    terms = objective()
    logits, told = model.h(model.f(IMAGES.x)), IMAGES.y >= 0
    torch.testing.assert_close(terms["labelled"], cross_entropy(logits[told], IMAGES.y[told]))
    torch.testing.assert_close(terms["pseudo"], 0.7 * cross_entropy(logits[~told], logits[~told].argmax(1)))


def test_before_the_ramp_and_below_the_threshold_nothing_is_added() -> None:
    for model in (small(begin=5, end=9), small(threshold=1.0)):
        model.iteration = 3
        _, objective = next(model.updates(IMAGES))
        assert float(objective()["pseudo"]) == 0
    model = small()
    terms = learn(model, Batch(IMAGES.x, torch.full((9,), -1)), SGD(model.parameters(), 0.1))
    assert float(terms["labelled"]) == 0


def test_a_second_classifier_gains_from_what_the_first_is_sure_of() -> None:
    """Five labels of each digit, ten draws: accuracy rises, and what is counted is right more often than all are.

    With θ = 0.95 a linear classifier gains nothing here (0.1 points): what it is that sure of it knows already.
    """
    data = whole(load("digits").train)
    x, y = StandardScaler().fit_transform(data.x.flatten(1).numpy()), data.y
    gains, ahead = [], []
    for draw in range(10):
        order = torch.randperm(len(y), generator=torch.Generator().manual_seed(draw))
        few = torch.cat([order[y[order] == k][:5] for k in range(10)])
        rest = order[~torch.isin(order, few)]
        pool, held = rest[:800], rest[800:]
        first = LogisticRegression(max_iter=500).fit(x[few], y[few])
        sure = confident(torch.tensor(first.predict_proba(x[pool])), threshold=0.8)
        rows = torch.cat((few, pool[sure.rows]))
        second = LogisticRegression(max_iter=500).fit(x[rows], torch.cat((y[few], sure.y)))
        gains.append(second.score(x[held], y[held]) - first.score(x[held], y[held]))
        ahead.append(sure.precision(y[pool]) - first.score(x[pool], y[pool]))
    assert np.mean(gains) > 0.01
    assert sum(gain > 0 for gain in gains) >= 7
    assert min(ahead) > 0


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="a probability from 0 to 1"):
        small(threshold=1.5)
    with pytest.raises(InputError, match="in full from 1"):
        small(begin=2, end=1)
    model = small()
    with pytest.raises(InputError, match="this data has none"):
        learn(model, Batch(IMAGES.x), SGD(model.parameters(), 0.1))
