"""Intervals hold the truth as often as they say."""

import torch

from likeness.doctor.part import Part, difference_of, mean_of, said
from likeness.findings import Finding


def test_intervals_hold_the_truth_nineteen_times_in_twenty() -> None:
    torch.manual_seed(0)
    means = [mean_of(torch.randn(200) + 3) for _ in range(400)]
    assert 0.92 < sum(low < 3 < high for _, low, high in means) / 400 < 0.98
    gaps = [difference_of(torch.randn(100) + 1, 3 * torch.randn(300)) for _ in range(400)]
    assert 0.92 < sum(low < 1 < high for _, low, high in gaps) / 400 < 0.98


def test_it_is_json_and_words() -> None:
    part = Part("a", "A", ["w"], {"x": 1.0}, findings=[Finding("c", "s", "r")])
    assert part.as_dict()["findings"] == [{"code": "c", "saw": "s", "remedy": "r"}]
    assert said((1.0, 0.5, 1.5)) == "1 [0.5, 1.5]"
