"""The image part of the card `vaebm`: modes of stacked digits, what is measured, and verdicts that can fail."""

from pathlib import Path

import pytest
import torch

from likeness.data import load, whole
from likeness.judge import classifier
from likeness.papers._vaebm_images import Budget, claims, counted, has_mnist, measure, modes, names, stack


@pytest.fixture(autouse=True)
def without_a_shelf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIKENESS_DATA", raising=False)


def test_sets_count_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (names(), has_mnist()) == (("digits",), False)
    for name in ("fashion_mnist", "mnist"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("LIKENESS_DATA", str(tmp_path))
    assert (names(), has_mnist()) == (("digits", "fashion_mnist"), True)


def test_stacked_digits_are_the_modes_of_their_labels() -> None:
    digits = whole(load("digits").train)
    assert digits.y is not None
    space = classifier(digits.x, digits.y, seed=0)
    x = stack(digits.x, 0)
    assert torch.equal(x[:, :1], digits.x)
    assert x.shape[1] == 3
    first = modes(x, space, torch.device("cpu")) // 100
    assert float((first == digits.y).float().mean()) > 0.97
    assert sorted(x[:, 1].sum((1, 2)).tolist()) == pytest.approx(sorted(digits.x.sum((1, 2, 3)).tolist()))


def test_even_modes_have_no_divergence_and_one_mode_has_log_1000() -> None:
    even = counted(torch.arange(1000).repeat(3))
    assert even["modes"] == 1000
    assert abs(even["kl"]) < 1e-9
    alone = counted(torch.full((50,), 7))
    assert alone["modes"] == 1
    assert abs(alone["kl"] - 6.9078) < 1e-3


@pytest.mark.slow
def test_what_is_measured_has_every_number_that_is_claimed() -> None:
    found = measure("digits", 0, Budget(20, 5, 8, 16, draws=150), torch.device("cpu"))
    wanted = {key for c in claims() for key in (c.key, c.baseline) if key and key.startswith("digits")}
    assert wanted <= set(found)
    assert all(torch.isfinite(torch.tensor(value)) for value in found.values())


def test_verdicts_can_fail() -> None:
    judged = {
        c.key: c.holds for c in claims() if c.holds is not None and ("laptop" in c.scales or c.scales == ("gpu",))
    }
    good = {"digits.vae.frechet": 20.0, "digits.ld100.frechet": 15.0, "digits.sir.frechet": 18.0,
            "digits.uniform.energy": 0.99, "stacked.vae.kl": 0.3, "stacked.ld100.kl": 0.1,
            "stacked.ld100.modes": 999.0}  # fmt: skip
    bad = {"digits.ld100.frechet": 17.0, "digits.sir.frechet": 21.0, "digits.uniform.energy": 0.8,
           "stacked.ld100.kl": 0.4, "stacked.ld100.modes": 900.0}  # fmt: skip
    assert set(judged) == set(bad)
    for key, holds in judged.items():
        assert holds([good]), key
        assert not holds([good | {key: bad[key]}]), key
