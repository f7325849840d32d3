"""The ground of the cards of representations: every way learns from the same images for the same steps."""

import pytest
import torch

from likeness.data import load
from likeness.papers import _representations as shared
from likeness.papers._representations import Budget, Ground, beside, contrasted, ground, learned, probed, taught

HERE = Ground(load("digits", limit=200), Budget(200, 100, 2, 64, 8), 0, torch.device("cpu"))


def test_every_way_begins_with_the_untrained_network() -> None:
    torch.manual_seed(0)
    fresh = shared.untrained(HERE)
    kept = []
    learned(lambda f, g, here: kept.append(f.body[0].weight.clone()) or contrasted(f, g, here), HERE)
    assert torch.equal(kept[0], fresh.body[0].weight)


@pytest.mark.parametrize("make", [contrasted, taught])
def test_what_is_learned_repeats_and_counts_its_passes(make: shared.Make) -> None:
    a, b = (learned(make, HERE) for _ in range(2))
    assert a.iteration == 2 * 4
    x = HERE.part("test").x
    torch.testing.assert_close(a.encode(x), b.encode(x))


def test_probes_are_named_by_way_and_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    found = probed(beside(HERE), HERE)
    assert {"pixels.linear100", "random.knn100", "pixels.linearall"} <= set(found)
    assert all(0 <= v <= 100 for v in found.values())


def test_without_a_shelf_the_images_are_embedded_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIKENESS_DATA", raising=False)
    assert ground(0, "laptop").data.name == "digits"
