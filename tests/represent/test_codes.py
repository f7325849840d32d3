"""Codes: shares, limits, the collapse they show, processes; the swapped prediction against a slow loop."""

import importlib.util
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from likeness import ranks
from likeness.errors import InputError
from likeness.lockstep import lockstep
from likeness.represent.codes import codes, prediction, swapped, used


def unit(*shape: int) -> Tensor:
    return normalize(torch.randn(*shape), dim=-1)


def test_codes_sum_to_one_and_prototypes_share_alike() -> None:
    scores = unit(256, 64) @ unit(100, 64).T
    few, many = codes(scores), codes(scores, iterations=100)
    for q in (few, many):
        torch.testing.assert_close(q.sum(1), torch.ones(256), atol=1e-5, rtol=0)
    share = 256 / 100
    assert float((few.sum(0) / share - 1).abs().max()) <= 0.15
    assert float((many.sum(0) / share - 1).abs().max()) <= 0.01


def test_the_limits_of_epsilon() -> None:
    scores = unit(50, 32) @ unit(10, 32).T
    torch.testing.assert_close(codes(scores, epsilon=1e6), torch.full((50, 10), 0.1))
    sharp = codes(scores, epsilon=1e-3, iterations=3000)
    hard = codes(scores, epsilon=1e-3, iterations=3000, hard=True)
    assert torch.equal(hard.sum(1), torch.ones(50))
    assert torch.equal(hard.unique(), torch.tensor([0.0, 1.0]))
    assert hard.sum(0).sub(5).abs().max() <= 1  # each prototype its five; a tie may fall to either side
    assert (sharp.amax(1) > 0.9).sum() > 50 - 10  # a corner of the plans splits fewer samples than there are prototypes


def test_features_that_have_collapsed_show_it() -> None:
    """One feature for all: codes are uniform, and no prediction is below ln k."""
    scores = (unit(1, 16) @ unit(7, 16).T).expand(20, 7)
    q = codes(scores)
    torch.testing.assert_close(q, torch.full((20, 7), 1 / 7))
    torch.testing.assert_close(prediction(torch.zeros(20, 7), q), torch.full((20,), math.log(7)))
    assert (prediction(scores, q) >= math.log(7)).all()
    assert used(scores) == pytest.approx(1 / 7)
    assert used(torch.eye(7)) == 1


def test_samples_of_a_queue_have_their_share() -> None:
    scores, others = unit(8, 32) @ (C := unit(20, 32)).T, unit(200, 32) @ C.T
    every = codes(torch.cat((scores, others)), iterations=50)
    torch.testing.assert_close(codes(scores, iterations=50, others=others), every[:8])


def test_no_gradient_goes_through_codes() -> None:
    scores = torch.randn(6, 3, requires_grad=True)
    assert not codes(scores).requires_grad


def test_the_swapped_prediction_is_that_of_the_slow_loop() -> None:
    scores, tau = torch.randn(5, 4, 6), 0.3
    q = torch.stack([codes(s) for s in scores[:2]])
    slow = torch.zeros(4)
    for n in range(4):
        for s in range(2):
            others = [t for t in range(5) if t != s]
            for t in others:
                p = (scores[t, n] / tau).exp() / (scores[t, n] / tau).exp().sum()
                slow[n] -= (q[s, n] * p.log()).sum() / len(others) / 2
    torch.testing.assert_close(swapped(scores, q, tau=tau), slow)


def test_two_large_views_are_the_published_loss() -> None:
    a, b = scores = torch.randn(2, 9, 5)
    qa, qb = codes(a), codes(b)
    published = (prediction(a, qb) + prediction(b, qa)) / 2
    torch.testing.assert_close(swapped(scores, torch.stack((qa, qb))), published)


def test_a_view_that_says_its_code_surely_costs_nothing() -> None:
    scores = 100 * torch.eye(4).expand(2, 4, 4)
    assert float(swapped(scores, torch.stack([codes(s, hard=True) for s in scores])).max()) < 1e-6


def test_two_processes_find_the_codes_of_one() -> None:
    z, C, others = unit(7, 8), unit(3, 8), unit(12, 8)

    def work(rank: int) -> Tensor:
        part = ranks.world().part(7)
        with ranks.holding(part):
            return codes(z[part.start : part.start + part.n] @ C.T, others=others @ C.T)

    torch.testing.assert_close(torch.cat(lockstep(2, work)), codes(z @ C.T, others=others @ C.T), atol=1e-6, rtol=0)


def test_lightly_has_the_same_loss() -> None:
    found = importlib.util.find_spec("lightly")
    if found is None or found.origin is None:
        pytest.skip("parity with lightly needs lightly")
    place = Path(found.origin).parent / "loss" / "swav_loss.py"  # the packages around it import torchvision
    spec = importlib.util.spec_from_file_location("swav_loss", place)
    assert spec is not None
    assert spec.loader is not None
    theirs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(theirs)
    scores = 0.5 * torch.randn(5, 32, 8)
    q = torch.stack([codes(s) for s in scores[:2]])
    loss = theirs.SwaVLoss()([scores[0], scores[1]], [scores[2], scores[3], scores[4]])
    torch.testing.assert_close(swapped(scores, q).mean(), loss.squeeze(), atol=1e-5, rtol=0)


def test_one_view_is_refused() -> None:
    with pytest.raises(InputError, match="give two or more"):
        swapped(torch.randn(1, 4, 3), torch.rand(1, 4, 3))
