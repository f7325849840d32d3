"""Trials of one shot: names are found by the nearest image, strokes survive, and the official files are read."""

import os

import pytest
import torch

from likeness.papers._one_shot import Run, characters, named, runs, shown

RUN = Run(torch.eye(9)[:5].view(5, 1, 3, 3), torch.eye(9)[[3, 0, 1]].view(3, 1, 3, 3), torch.tensor([3, 0, 2]))


def test_the_nearest_image_names() -> None:
    assert named(lambda x: x.flatten(1), [RUN]) == pytest.approx(200 / 3)
    assert named(lambda x: x.flatten(1) * torch.arange(1, 10), [RUN]) == pytest.approx(200 / 3)  # by angle


def test_strokes_of_one_pixel_stay_white() -> None:
    ink = torch.zeros(1, 1, 105, 105, dtype=torch.bool)
    ink[..., 52, 10:90] = True
    x = shown(ink)
    assert set(x.unique().tolist()) == {-1.0, 1.0}
    assert (x == 1).any(2).sum() == 22  # of 28 columns those that the stroke crosses


@pytest.mark.skipif(not os.environ.get("LIKENESS_DATA"), reason="Omniglot lies where LIKENESS_DATA says")
def test_the_official_trials_are_read() -> None:
    found = runs()
    assert len(found) == 20
    for run in found:
        assert run.known.shape == run.asked.shape == (20, 1, 28, 28)
        assert sorted(run.answer.tolist()) == list(range(20))
    data = characters(50, 0)
    assert data.train[torch.arange(50)].x.shape == (50, 1, 28, 28)
