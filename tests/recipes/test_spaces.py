"""The space suits the data, and half of the training samples stay unseen by it."""

import pytest
import torch

from likeness.data import load, whole
from likeness.errors import InputError
from likeness.judge.features import features_of
from likeness.judge.material import shares
from likeness.recipes.spaces import LEARNED, chosen, fit_of, space_for


def test_auto_goes_by_shape_and_labels() -> None:
    assert chosen("auto", (1, 8, 8), labelled=True) == "classifier"
    assert chosen("auto", (1, 8, 8), labelled=False) == "pca"
    assert chosen("auto", (2,), labelled=True) == "raw"
    assert chosen("raw", (1, 8, 8), labelled=True) == "raw"
    assert chosen("run:runs/mine", (1, 8, 8), labelled=True) == "run:runs/mine"
    with pytest.raises(InputError, match="did you mean inception"):
        chosen("incepton", (2,), labelled=False)
    with pytest.raises(InputError, match="needs labels"):
        fit_of("classifier", (2,), False, 0, "cpu")


def test_the_space_learns_from_one_half_alone(monkeypatch) -> None:
    data, seen = load("digits"), []

    def spy(x, y):
        seen.append(x)
        from likeness.judge.features import pca

        return pca(x)

    monkeypatch.setattr("likeness.recipes.spaces.fit_of", lambda *_: spy)
    space = space_for("pca", data, 3, "cpu")
    train = whole(data.train, LEARNED).x
    assert torch.equal(seen[0], train[shares(train, seed=3)[0]])
    assert features_of(space, train[:4]).shape[0] == 4
