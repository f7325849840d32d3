import pytest
import torch

from likeness.data.dataset import Dataset, Options, assemble
from likeness.data.memory import InMemory


def dataset(shift: float = 0.0, y: int = 0, **options) -> Dataset:
    parts = {
        name: InMemory(torch.full((2, 3), shift + i), torch.full((2,), y))
        for i, name in enumerate(("train", "validation", "test"))
    }
    return assemble("made", "vectors", parts, Options(**options), classes=("a", "b"))


def test_the_fingerprint_is_of_content_labels_and_options() -> None:
    prints = [dataset().fingerprint, dataset(1.0).fingerprint, dataset(y=1).fingerprint, dataset(seed=1).fingerprint]
    assert len(set(prints)) == 4
    assert all(len(p) == 64 for p in prints)
    assert dataset().fingerprint == prints[0]


@pytest.mark.parametrize("reading", [{"stream": True}, {"skip_broken": True}, {"progress": print}])
def test_the_way_of_reading_is_no_part_of_the_fingerprint(reading) -> None:
    assert dataset(**reading).fingerprint == dataset().fingerprint


def test_the_event_is_the_shape_of_a_sample() -> None:
    assert dataset().event == (3,)
