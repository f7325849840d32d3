"""The contract, what smoothing leaves to gain, what is learned, and labels that are missing."""

import pytest
import torch
from torch.optim import Adam

from likeness.core import learn, train
from likeness.data import load
from likeness.data.batch import Batch
from likeness.data.batching import batches, whole
from likeness.data.views import digits
from likeness.errors import InputError
from likeness.nn.small_cnn import SmallCNN
from likeness.represent.supervised import Classifier
from likeness.testing import check_method

IMAGES = Batch(torch.rand(9, 1, 8, 8) * 2 - 1, torch.arange(9) % 3)


def small(**given: float) -> Classifier:
    return Classifier(SmallCNN(1, width=4, d=8), 3, **given)


def test_contract() -> None:
    check_method(small, IMAGES, lambda m: Adam(m.parameters(), 1e-2))
    check_method(
        lambda: Classifier(SmallCNN(1, width=4, d=8), 3, smoothing=0.1, view=digits(8)),
        IMAGES,
        lambda m: Adam(m.parameters(), 1e-2),
    )


def test_digits_are_learned() -> None:
    data = load("digits")
    held = whole(data.validation)
    model = Classifier(SmallCNN(1, width=8, d=32), 10)
    for _ in train(model, batches(data.train, 64, steps=100), Adam(model.parameters(), 5e-3)):
        pass
    assert float((model.predict(held.x) == held.y).float().mean()) > 0.9
    p = model.probabilities(held.x)
    torch.testing.assert_close(p.sum(1), torch.ones(len(p)))
    torch.testing.assert_close(model.encode(held.x)[:1], model.encode(held.x[:1]))


def test_smoothed_labels_keep_it_from_being_sure() -> None:
    """The best that it can say is 1 − s + s/K."""
    found = {}
    for smoothing in (0.0, 0.3):
        torch.manual_seed(0)
        model = small(smoothing=smoothing)
        adam = Adam(model.parameters(), 5e-2)
        for _ in range(60):
            learn(model, IMAGES, adam)
        model.train()
        found[smoothing] = float(model.h(model.f(IMAGES.x)).softmax(1).amax(1).mean())
    assert found[0.0] > 0.95
    assert found[0.3] == pytest.approx(0.8, abs=0.02)


def test_labels_that_are_missing_are_said() -> None:
    model = small()
    with pytest.raises(InputError, match="this data has none"):
        learn(model, Batch(IMAGES.x), Adam(model.parameters()))
    with pytest.raises(InputError, match="a classifier of 1 classes"):
        Classifier(SmallCNN(1), 1)
