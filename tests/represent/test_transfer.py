"""The contract of both ways, what stays as it was, the rates, and that features from elsewhere help with few labels."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam

from likeness.core import learn, train
from likeness.data import load
from likeness.data.batch import Batch
from likeness.data.batching import batches, whole
from likeness.errors import InputError
from likeness.nn.small_cnn import SmallCNN
from likeness.represent.supervised import Classifier
from likeness.represent.transfer import FeatureExtraction, FineTuning
from likeness.testing import check_method

IMAGES = Batch(torch.rand(9, 1, 8, 8) * 2 - 1, torch.arange(9) % 3)
WAYS: dict[str, Callable[[nn.Module], FeatureExtraction | FineTuning]] = {
    "features": lambda f: FeatureExtraction(f, 3),
    "fine-tuning": lambda f: FineTuning(f, 3),
    "head first": lambda f: FineTuning(f, 3, head_first=1, smoothing=0.1),
}


def trunk() -> SmallCNN:
    return SmallCNN(1, width=4, d=8)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_contract(way: Callable[[nn.Module], FeatureExtraction | FineTuning]) -> None:
    check_method(lambda: way(trunk()), IMAGES, lambda m: Adam([p for p in m.parameters() if p.requires_grad], 1e-2))


def state(f: nn.Module) -> dict[str, torch.Tensor]:
    return copy.deepcopy(f.state_dict())


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(p, q) for p, q in zip(a.values(), b.values(), strict=True))


def test_extraction_leaves_the_trunk_and_its_statistics_as_they_came() -> None:
    model = FeatureExtraction(f := trunk(), 3)
    before, head = state(f), model.h.weight.clone()
    for _ in train(model, [IMAGES] * 5, SGD(model.h.parameters(), 0.5, weight_decay=0.1)):
        pass
    assert same(state(f), before)
    assert not torch.equal(model.h.weight, head)
    assert model.predict(IMAGES.x).shape == (9,)


def test_the_head_moves_first_when_it_is_told_to() -> None:
    model = FineTuning(f := trunk(), 3, head_first=2)
    before, sgd = state(f), SGD(model.groups(lr=0.5), weight_decay=0.1)
    for step in range(4):
        learn(model, IMAGES, sgd)
        assert same(state(f), before) is (step < 2)


def test_the_trunk_has_the_lower_rate() -> None:
    """Of plain gradient descent a step is the rate times the gradient."""
    moved = []
    for factor in (1.0, 0.1):
        torch.manual_seed(0)
        model = FineTuning(trunk(), 3)
        f, h = model.f.body[0].weight.clone(), model.h.weight.clone()
        learn(model, IMAGES, SGD(model.groups(lr=1.0, factor=factor)))
        moved.append((model.f.body[0].weight - f, model.h.weight - h))
    torch.testing.assert_close(moved[1][0], 0.1 * moved[0][0], rtol=1e-3, atol=1e-7)
    torch.testing.assert_close(moved[1][1], moved[0][1])


def test_features_help_where_labels_are_few() -> None:
    """Learned on half of the digits, used on the others with 3 labels each, against a trunk that knows nothing."""
    x, y = whole(load("digits").train)[:2]
    old, new = Batch(x[::2], y[::2]), Batch(x[1::2], y[1::2])
    few = torch.cat([(new.y == k).nonzero().flatten()[:3] for k in range(10)])
    f = SmallCNN(1, width=8, d=32)
    random = copy.deepcopy(f)
    teacher = Classifier(f, 10)
    for _ in train(teacher, batches(Old(old), 64, steps=60), Adam(teacher.parameters(), 5e-3)):
        pass
    found = []
    for trained in (f, random):
        model = FeatureExtraction(trained, 10)
        for _ in train(model, [Batch(new.x[few], new.y[few])] * 100, Adam(model.h.parameters(), 5e-2)):
            pass
        found.append(float((model.predict(new.x) == new.y).float().mean()))
    assert found[0] > found[1] + 0.1


class Old:
    """A split of one batch."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def __len__(self) -> int:
        return len(self.batch.x)

    def __getitem__(self, index: torch.Tensor) -> Batch:
        assert self.batch.y is not None
        return Batch(self.batch.x[index], self.batch.y[index], index)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="head_first -1"):
        FineTuning(trunk(), 3, head_first=-1)
    for way in WAYS.values():
        model = way(trunk())
        with pytest.raises(InputError, match="this data has none"):
            learn(model, Batch(IMAGES.x), SGD(model.h.parameters(), 0.1))
