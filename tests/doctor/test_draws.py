"""Each figure stands under what was drawn; blur and grain are told apart; copies are told."""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from likeness.data import load, whole
from likeness.doctor.draws import blur, drawn, side_by_side
from likeness.judge.features import pca
from likeness.sampling import Rows, streams

DATA = load("digits")
TRAIN, TEST = whole(DATA.train).x, whole(DATA.test).x


def noise(n: int, *, generator=None) -> Tensor:
    return streams(generator).uniform(n, 1, 8, 8) * 2 - 1


def test_both_samplers_are_judged_and_named() -> None:
    found = side_by_side({"sample": noise, "mean": Rows(TRAIN)}, TEST, TRAIN, pca(TRAIN), seed=0, device="cpu")
    row = found.numbers["frechet"]
    assert set(row) == {"drawn: samples", "drawn: means"}
    assert row["drawn: means"][0] < row["drawn: samples"][0]
    assert "means are nearer" in " ".join(found.words)
    copies = side_by_side({"draw": Rows(TRAIN)}, TEST, TRAIN, pca(TRAIN), seed=0, device="cpu")
    assert "memorised" in {f.code for f in copies.findings}


def test_blur_and_grain() -> None:
    found = blur({"soft": avg_pool2d(TEST, 3, 1, 1), "grain": TEST + torch.randn(TEST.shape), "same": TEST}, TEST)
    assert [f.code for f in found.findings] == ["blurred", "grainy"]
    assert found.numbers["same"] == found.numbers["data"]
    assert torch.equal(drawn(noise, 5, 1), drawn(noise, 8, 1)[:5])
