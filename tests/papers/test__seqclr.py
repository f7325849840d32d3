"""Words are four digits in their places, their views keep them there, and readers come from each beginning."""

import torch

from likeness.data import load, whole
from likeness.data.lines import written
from likeness.papers._seqclr import MAPPINGS, WIDTH, compared, looks, made, words


def test_words_are_of_the_digits_they_are_said_to_be(monkeypatch) -> None:
    monkeypatch.delenv("LIKENESS_DATA", raising=False)
    data = words(20, 10, 5, 0)
    assert data.unlabelled.shape == (20, 1, 16, WIDTH)
    assert data.labelled.y.shape == (10, 4)
    assert torch.equal(data.test.x, words(20, 10, 5, 0).test.x)
    assert not torch.equal(data.test.x, words(20, 10, 5, 1).test.x)
    assert (data.unlabelled.amax((1, 2, 3)) == 1).all(), "paper"
    assert (written(data.unlabelled) > 40).all()
    ones = whole(load("digits").train)
    of_ones = type(ones)(ones.x[ones.y == 1], ones.y[ones.y == 1])
    assert (made(of_ones, 9, torch.Generator().manual_seed(0)).y == 1).all()


def test_the_views_of_words_keep_their_places(monkeypatch) -> None:
    """Ink in one quarter alone stays there in both views: what is paired is of the same digit."""
    x = torch.ones(64, 1, 16, 64)
    for k in range(4):
        x[k::4, :, 3:13, 16 * k + 5 : 16 * k + 11] = -1
    for view in looks()(x):
        ink = (0.9 - view).clamp(min=0).sum((1, 2))
        middle = (ink * torch.arange(64.0)).sum(1) / ink.sum(1)
        kept = view.amin((1, 2, 3)) < 0.2
        assert ((middle[kept] // 16).long() == torch.arange(64)[kept] % 4).float().mean() > 0.95
    views = looks()
    assert all(view.keeps_order for _, view in views.groups)


def test_every_beginning_is_compared(monkeypatch) -> None:
    monkeypatch.delenv("LIKENESS_DATA", raising=False)
    data = words(64, 32, 16, 0)
    found = compared(data, MAPPINGS, epochs=1, frozen_steps=2, few=16, few_steps=2, seed=0)
    assert len(found) == 4 * 2 * 2
    assert torch.tensor(list(found.values())).isfinite().all()
    again = compared(data, MAPPINGS, epochs=1, frozen_steps=2, few=16, few_steps=2, seed=0)
    assert found == again
