"""Sharpness falls with blur, and what is measured has a name."""

import torch
from torch.nn.functional import avg_pool2d

from likeness.data import load, whole
from likeness.judge.features import raw
from likeness.papers._blur import CODES, Steps, claims, grey, laplacian, measure

DATA = load("digits", limit=200)


def test_known_values() -> None:
    flat = torch.zeros(2, 1, 6, 6)
    assert laplacian(flat).tolist() == [0, 0]
    assert grey(flat).tolist() == [1, 1]
    board = ((torch.arange(6)[:, None] + torch.arange(6)) % 2 * 2 - 1).float()[None, None]
    assert laplacian(board).item() == 16, "4 neighbours of the other colour"
    assert grey(board).item() == 0


def test_a_blur_takes_energy_and_makes_grey() -> None:
    x = whole(DATA.train).x
    soft = avg_pool2d(x, 3, 1, 1)
    assert laplacian(soft).mean() < 0.5 * laplacian(x).mean()
    assert grey(soft).mean() > grey(x).mean()


def test_every_claim_has_its_number() -> None:
    found = measure("digits", DATA, raw(), Steps(3, 3), 0)
    assert all(c.key in found and (c.baseline or c.key) in found for c in claims(("digits",)))
    assert {f"digits.vae{d}.laplacian" for d in CODES} <= set(found)
    without = measure("digits", DATA, raw(), Steps(2, 0), 0)
    assert not [key for key in without if ".gan." in key]
