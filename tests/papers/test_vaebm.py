"""The card's parts at small size: the truth is counted as such, and each verdict can fail."""

import torch

from likeness.data.memory import InMemory
from likeness.papers.vaebm import CARD, STD, TRUTH, counted, divergence, energy, share, weak


def test_the_truth_is_counted_as_such() -> None:
    found = counted(TRUTH.sample(5000, generator=3))
    assert found["hq"] > 99.8
    assert found["modes"] == 25
    assert found["js"] < 0.12, "from 5000 draws in 3600 cells"
    assert TRUTH.modes is not None
    alone = counted(TRUTH.modes[:2].repeat(100, 1) + STD * torch.randn(200, 2))
    assert alone["modes"] == 2
    assert counted(torch.zeros(10, 2) + 0.5)["hq"] == 0


def test_what_shares_no_cell_with_the_data_is_one_bit_away() -> None:
    assert abs(divergence(torch.full((1000, 2), 2.9), 1000) - 0.6931) < 1e-3


def test_the_parts_train() -> None:
    data = InMemory(TRUTH.sample(600, generator=0))
    vae = weak(data, 5, 0)
    method, early = energy(vae, data, 6, 0.3, 0)
    assert method.iteration == 6
    assert 0 < early <= 1
    assert 0 < share(method, 0) <= 1


GOOD = {
    "vae.hq": 50.0, "vae.js": 0.4, "ld100.hq": 70.0, "ld100.js": 0.2, "ld100.modes": 25.0, "sir.js": 0.2,
    "auroc": 0.95, "effective": 0.4, "sharp.modes": 8.0, "sharp.js": 0.5, "sharp.early": 0.01,
}  # fmt: skip
BAD = {
    "ld100.hq": 59.0, "ld100.js": 0.3, "ld100.modes": 24.0, "sir.js": 0.4, "auroc": 0.8, "effective": 0.05,
    "sharp.modes": 25.0, "sharp.js": 0.3, "sharp.early": 0.3,
}  # fmt: skip


def test_each_verdict_can_fail() -> None:
    judged = {c.key: c.holds for c in CARD.claims if c.holds is not None and c.key in GOOD}
    assert set(judged) == set(BAD)
    for key, holds in judged.items():
        assert holds([GOOD]), key
        assert not holds([GOOD, GOOD | {key: BAD[key]}]), key
