"""The card's parts at small size: what is known exactly, what is counted, and verdicts that can fail."""

import torch

from likeness.data import load
from likeness.papers.card import Claim, verdict
from likeness.papers.drs import CARD, STD, VERDICTS, counted, known


def test_what_is_known_holds_and_the_naive_cut_truncates() -> None:
    found = known(0, n=5000)
    assert found["known.ks"] > 0.01
    assert found["known.errors"] < 3
    assert abs(found["known.variance"] - 1) < 0.1
    assert found["known.naive"] < 0.7


def test_the_truth_is_counted_as_such() -> None:
    data = load("grid25")
    found = counted(data.truth.sample, 4000, data, seed=0)
    assert found["hq"] > 99.8
    assert found["modes"] == 25
    assert abs(found["std"] / STD - 1) < 0.03
    assert found["kl"] < 0.01
    assert found["kept"] == 100


GOOD = {
    "raw.hq": 70.0,
    "raw.modes": 25.0,
    "raw.kl": 0.4,
    "own95.hq": 80.0,
    "naive.modes": 20.0,
    "keep95.hq": 98.0,
    "keep95.modes": 25.0,
    "keep95.std": 0.05,
    "budget.hq": 97.0,
    "budget100.kl": 0.1,
    "exact.kl": 0.1,
}


def test_each_verdict_can_fail() -> None:
    bad = {
        ("own95", "hq"): {"own95.hq": 99.0},
        ("naive", "modes"): {"naive.modes": 24.0},
        ("keep95", "hq"): {"keep95.hq": 94.0},
        ("keep95", "modes"): {"keep95.modes": 24.0},
        ("keep95", "std"): {"keep95.std": 0.08},
        ("budget", "hq"): {"budget.hq": 75.0},
        ("budget100", "kl"): {"budget100.kl": 0.3},
        ("exact", "kl"): {"exact.kl": 0.3},
    }
    assert set(bad) == set(VERDICTS)
    for key, (holds, _) in VERDICTS.items():
        assert holds([GOOD])
        assert not holds([GOOD, GOOD | bad[key]]), key


def test_outside_the_regime_nothing_is_claimed() -> None:
    well_trained = GOOD | {"raw.hq": 97.0, "keep95.hq": 98.0}
    holds = VERDICTS["keep95", "hq"][0]
    assert holds([GOOD, well_trained])
    assert not holds([well_trained]), "no seed in the regime shows nothing"


def test_a_row_that_must_hold_may_not_be_missing() -> None:
    keys = {claim.key for claim in CARD.claims if "quick" in claim.scales}
    numbers = dict.fromkeys(keys, 1.0) | GOOD | {"known.errors": 1.0, "known.naive": 0.5}
    assert {"known.ks", "own95.hq", "budget.hq"} <= keys
    told = verdict(CARD, "quick", {0: numbers | {c.baseline: 1.0 for c in CARD.claims if c.baseline} | numbers}, 1.0)
    assert told.passed
    assert all(isinstance(claim, Claim) for claim in CARD.claims)
    assert torch.tensor([row["ours"]["mean"] for row in told.rows]).isfinite().all()
