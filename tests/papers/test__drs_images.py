"""The image part of the card `drs`: the entropy of labels, and what is claimed of which sets."""

import math

import torch

from likeness.papers._drs_images import FASHION, claims, label_entropy, names


def test_the_entropy_falls_when_classes_are_lost() -> None:
    known, y = torch.eye(4), torch.arange(4)
    assert abs(label_entropy(known, known, y) - math.log(4)) < 1e-6
    assert abs(label_entropy(known[:2].repeat(5, 1), known, y) - math.log(2)) < 1e-6
    assert label_entropy(known[:1], known, y) == 0


def test_fashion_counts_only_where_it_is(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("LIKENESS_DATA", raising=False)
    assert names() == ("digits",)
    (tmp_path / "fashion_mnist").mkdir()
    monkeypatch.setenv("LIKENESS_DATA", str(tmp_path))
    assert names() == ("digits", "fashion_mnist")


def test_a_distance_that_does_not_fall_fails(tmp_path, monkeypatch) -> None:
    (tmp_path / FASHION).mkdir()
    monkeypatch.setenv("LIKENESS_DATA", str(tmp_path))
    must = [claim for claim in claims() if "laptop" in claim.scales]
    raw = {f"{FASHION}.raw.frechet": 5.0, f"{FASHION}.raw.entropy": 2.3}
    n = raw | {f"{FASHION}.project.frechet": 4.0, f"{FASHION}.project.entropy": 2.29}
    assert len(must) == 2
    assert all(claim.holds([n]) for claim in must)
    worse = n | {f"{FASHION}.project.frechet": 5.1, f"{FASHION}.project.entropy": 2.0}
    assert not any(claim.holds([worse]) for claim in must)
