"""The card's parts: noise of the size that is said, what must hold of descents, and what is measured is named."""

import torch

from likeness.energy.lattice import binary, flips, ising
from likeness.papers import ising as ising_card
from likeness.papers.card import verdict
from likeness.papers.ising import BUDGETS, CARD, SIGMA, Budget, Noisy, chains, descents, has_mnist, ways


def noisy() -> Noisy:
    at = torch.arange(16) - 8
    clean = torch.where(at[:, None].square() + at.square() < 30, 1.0, -1.0).expand(12, 1, 16, 16)
    seen = torch.where(torch.rand(clean.shape) < 0.1, -clean, clean)
    return Noisy(clean, seen, flips(seen, 0.1))


def test_gaussian_noise_turns_over_a_tenth_of_the_signs() -> None:
    clean = torch.ones(100_000)
    wrong = float((binary(clean + SIGMA * torch.randn(100_000)) != clean).float().mean())
    assert abs(wrong - 0.1) < 0.005


def test_descents_and_the_optimum_are_what_they_are_called() -> None:
    given = noisy()
    found = descents(given)
    assert found["changed.0.25"] == 0
    assert found["icm.0.25"] == found["noisy"]
    assert found["rise"] <= 0.01
    assert found["end"] < found["start"]
    assert found["least"] >= -0.01
    assert ways(given, ising(1.0)) == {"noisy": found["noisy"], "icm": found["icm.1.0"], "cut": found["cut.1.0"]}
    assert found["icm.1.0"] < found["noisy"]
    assert chains(given, ising(1.0), 20, 0)["majority"] < found["noisy"]


def test_mnist_counts_where_it_is(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("LIKENESS_DATA", raising=False)
    assert not has_mnist()
    (tmp_path / "mnist").mkdir()
    monkeypatch.setenv("LIKENESS_DATA", str(tmp_path))
    assert has_mnist()


def test_the_card_names_what_is_measured_and_can_fail(monkeypatch) -> None:
    monkeypatch.setitem(BUDGETS, "quick", Budget(("digits",), 20, 10, 60))
    found = ising_card.measure(0, "quick")
    rows = [c for c in CARD.claims if c.key.startswith("digits.")]
    assert {c.key for c in rows} | {c.baseline for c in rows if c.baseline} <= set(found)
    assert all(torch.tensor(list(found.values())).isfinite())
    worse = {
        "digits.noisy": 20.0,
        "digits.changed.0.25": 1.0,
        "digits.icm.1.0": 9.0,
        "digits.rise": 1.0,
        "digits.end": 0.0,
        "digits.least": -1.0,
        "digits.gaussian.icm": 9.0,
    }
    for key, value in worse.items():
        assert not verdict(CARD, "quick", {0: {**found, key: value}}, 0.0).passed, key
