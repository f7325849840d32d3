import contextlib
import io

import pytest
import torch

from likeness.judge.neighbours import intervals, prdc
from likeness.judge.pairs import between, within


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("seed", range(3))
def test_parity_with_prdc(k, seed):
    from prdc import compute_prdc

    torch.manual_seed(seed)
    x, y = torch.randn(300, 8), torch.randn(250, 8) * 1.2 + 0.1
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = compute_prdc(x.numpy(), y.numpy(), nearest_k=k)
    assert prdc(x, y, k=k) == pytest.approx(theirs, abs=1e-6)


def test_equal_distributions():
    """Coverage of a fresh sample of the same size is 1 − (k points all nearer), about 1 − 2⁻ᵏ; density is one."""
    found = [prdc(torch.randn(1000, 2), torch.randn(1000, 2)) for _ in range(5)]
    mean = {name: sum(f[name] for f in found) / 5 for name in found[0]}
    assert mean["density"] == pytest.approx(1, abs=0.05)
    assert mean["coverage"] == pytest.approx(1 - 0.5**5, abs=0.015)


def test_a_missing_half_costs_recall_and_not_precision():
    real = torch.cat((torch.randn(300, 2), torch.randn(300, 2) + 20))
    half = torch.randn(600, 2)
    whole = prdc(real, torch.cat((torch.randn(300, 2), torch.randn(300, 2) + 20)))
    found = prdc(real, half)
    assert found["precision"] >= whole["precision"] - 0.03
    assert found["recall"] == pytest.approx(0.5, abs=0.03)
    assert found["coverage"] <= 0.51


def test_far_samples_cost_precision_and_not_recall():
    real, fake = torch.randn(400, 2), torch.cat((torch.randn(400, 2), torch.randn(400, 2) * 0.1 + 50))
    found = prdc(real, fake)
    assert found["precision"] == pytest.approx(0.5, abs=0.03)
    assert found["recall"] > 0.9


def test_swapping_the_sets_swaps_precision_and_recall():
    x, y = torch.randn(100, 3), torch.randn(120, 3) + 0.5
    assert prdc(x, y)["precision"] == prdc(y, x)["recall"]


@pytest.mark.parametrize(("d", "shift"), [(4, 0.5), (16, 0.0)])
def test_intervals_cover_the_error_of_balls_too(d, shift):
    found = []
    for _ in range(60):
        x, y = torch.randn(200, d), torch.randn(200, d) + shift
        found.append(intervals(between(x, y, within(x), within(y))))
    for name in found[0]:
        mean = sum(f[name][0] for f in found) / 60
        assert sum(f[name][1] <= mean <= f[name][2] for f in found) >= 53
