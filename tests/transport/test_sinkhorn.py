"""Marginals, limits in epsilon, plans known in closed form, the dual, parity with POT, and what is refused."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn.functional import normalize

from likeness.errors import InputError
from likeness.transport.sinkhorn import plan, sinkhorn


def unit(n: int, k: int, d: int = 16) -> Tensor:
    """Scores as they are between features and prototypes."""
    return normalize(torch.randn(n, d), dim=1) @ normalize(torch.randn(k, d), dim=1).T


def shares(n: int) -> Tensor:
    m = torch.rand(n, dtype=torch.float64) + 0.1
    return m / m.sum()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.floats(0.02, 5.0), st.integers(1, 4), st.integers(0, 99))
def test_rows_are_exact_after_any_number_of_iterations(
    n: int, k: int, epsilon: float, iterations: int, seed: int
) -> None:
    torch.manual_seed(seed)
    a, b = shares(n), shares(k)
    found = plan(torch.randn(n, k, dtype=torch.float64), epsilon=epsilon, iterations=iterations, a=a, b=b)
    torch.testing.assert_close(found.mass.sum(1), a)
    assert float(found.errors(a, b)[0]) < 1e-9


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 8), st.integers(2, 8), st.integers(0, 99))
def test_both_marginals_hold_at_convergence(n: int, k: int, seed: int) -> None:
    torch.manual_seed(seed)
    a, b = shares(n), shares(k)
    found = plan(torch.randn(n, k, dtype=torch.float64), epsilon=0.5, iterations=5000, a=a, b=b, tolerance=1e-9)
    torch.testing.assert_close(found.mass.sum(1), a)
    torch.testing.assert_close(found.mass.sum(0), b, rtol=1e-8, atol=0)
    assert found.iterations < 5000


def test_three_iterations_leave_a_gap_and_more_close_it() -> None:
    """The fewer dimensions, the wider scores spread and the larger the gap: of 64 it is 4 %, of 16 a third."""
    scores = unit(256, 100, 64)
    few, many = plan(scores, epsilon=0.05), plan(scores, epsilon=0.05, iterations=100)
    assert few.iterations == 3
    assert 0.01 < float(few.errors()[1]) <= 0.15
    assert float(many.errors()[1]) <= 0.01
    for found in (few, many):
        torch.testing.assert_close(256 * found.mass.sum(1), torch.ones(256))


def test_a_large_epsilon_shares_equally() -> None:
    torch.testing.assert_close(sinkhorn(unit(6, 4), epsilon=1e6), torch.full((6, 4), -math.log(24)))


def test_a_small_epsilon_is_the_best_assignment() -> None:
    """Another assignment is worse by one or more, and counts for e^{−1/ε} or less of the best one."""
    scores = torch.randint(30, (6, 6)).double()
    found = sinkhorn(scores, epsilon=0.08, iterations=5000).exp()
    best = torch.zeros(6, 6, dtype=torch.float64)
    best[linear_sum_assignment(scores, maximize=True)] = 1 / 6
    torch.testing.assert_close(found, best, atol=1e-4, rtol=0)


def test_two_by_two_is_known() -> None:
    """Q = (1/2) [[p, 1 − p], [1 − p, p]], where (p/(1 − p))² = e^{(S₁₁ + S₂₂ − S₁₂ − S₂₁)/ε}, kept by scalings."""
    S = torch.tensor([[0.3, -0.2], [0.1, 0.7]], dtype=torch.float64)
    p = torch.sigmoid((S[0, 0] + S[1, 1] - S[0, 1] - S[1, 0]) / (2 * 0.4))
    expected = torch.stack((p, 1 - p, 1 - p, p)).view(2, 2) / 2
    found = sinkhorn(S, epsilon=0.4, iterations=1000, tolerance=1e-12).exp()
    torch.testing.assert_close(found, expected, atol=1e-10, rtol=0)


def test_the_potentials_make_the_plan_and_close_the_gap_to_the_dual() -> None:
    S, a, b, epsilon = torch.randn(5, 7, dtype=torch.float64), shares(5), shares(7), 0.3
    found = plan(S, epsilon=epsilon, iterations=1000, a=a, b=b, tolerance=1e-12)
    torch.testing.assert_close(found.log, (S + found.f[:, None] + found.g) / epsilon)
    primal = (found.mass * S).sum() - epsilon * (found.mass * (found.log - 1)).sum()
    dual = epsilon * found.mass.sum() - a @ found.f - b @ found.g
    torch.testing.assert_close(primal, dual)


def test_no_plan_with_these_marginals_is_better() -> None:
    """Moves that keep the marginals, ±δ on the corners of a rectangle, only lose."""
    S, epsilon = torch.randn(4, 5, dtype=torch.float64), 0.3
    Q = sinkhorn(S, epsilon=epsilon, iterations=1000, tolerance=1e-12).exp()
    value = lambda Q: float((Q * S).sum() - epsilon * (Q * Q.log()).sum())  # noqa: E731
    for i, j, sign in ((0, 0, 1), (1, 2, -1), (2, 3, 1)):
        moved = Q.clone()
        moved[i : i + 2, j : j + 2] += sign * 1e-5 * torch.tensor([[1.0, -1.0], [-1.0, 1.0]])
        assert value(moved) < value(Q)


def test_offsets_of_rows_and_columns_change_nothing() -> None:
    S = torch.randn(6, 5, dtype=torch.float64)
    shifted = S + torch.randn(6, 1) + 3 * torch.randn(5)
    given = {"epsilon": 0.4, "iterations": 2000, "tolerance": 1e-12}
    torch.testing.assert_close(sinkhorn(shifted, **given), sinkhorn(S, **given), atol=1e-9, rtol=0)


def test_many_problems_at_once_are_each_on_its_own() -> None:
    S = torch.randn(3, 4, 5)
    torch.testing.assert_close(sinkhorn(S, epsilon=0.2), torch.stack([sinkhorn(s, epsilon=0.2) for s in S]))
    assert plan(S, epsilon=0.2).errors()[1].shape == (3,)


def test_scores_whose_exponentials_are_no_numbers_are_no_obstacle() -> None:
    found = plan(1000 * torch.randn(8, 8), epsilon=0.5)
    assert found.log.isfinite().all()
    torch.testing.assert_close(found.mass.sum(1), torch.full((8,), 1 / 8), rtol=2e-3, atol=0)
    half = sinkhorn(torch.randn(4, 4).bfloat16(), epsilon=0.05).exp()
    torch.testing.assert_close(half.sum(1), torch.full((4,), 0.25))


def test_points_without_mass_get_none() -> None:
    b = torch.tensor([0.5, 0.0, 0.5])
    found = plan(torch.randn(4, 3), epsilon=0.5, iterations=500, b=b, tolerance=1e-5)
    assert torch.equal(found.mass[:, 1], torch.zeros(4))
    assert float(found.errors(b=b)[1]) <= 1e-4


def test_gradients_go_through() -> None:
    S = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda S: sinkhorn(S, epsilon=0.5, iterations=3), (S,))


def test_equals_pot() -> None:
    ot = pytest.importorskip("ot", reason="parity with POT needs POT")
    for n, k in ((32, 10), (20, 50)):
        S = unit(n, k).double()
        for a, b in ((None, None), (shares(n), shares(k))):
            theirs = ot.sinkhorn(
                [] if a is None else a.numpy(), [] if b is None else b.numpy(), -S.numpy(), 0.05,
                numItermax=50_000, stopThr=1e-12,
            )  # fmt: skip
            ours = sinkhorn(S, epsilon=0.05, iterations=50_000, a=a, b=b, tolerance=1e-9).exp()
            torch.testing.assert_close(ours, torch.as_tensor(theirs), atol=1e-9, rtol=1e-5)


S = torch.zeros(3, 2)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"epsilon": 0.0}, "epsilon 0"),
        ({"epsilon": float("nan")}, "epsilon nan"),
        ({"epsilon": 1.0, "iterations": 0}, "0 iterations"),
        ({"epsilon": 1.0, "a": torch.ones(2) / 2}, "2 entries for 3"),
        ({"epsilon": 1.0, "b": torch.ones(2)}, "divide by its sum"),
        ({"epsilon": 1.0, "b": torch.tensor([1.5, -0.5])}, "none below zero"),
    ],
)
def test_what_cannot_be_is_refused(given: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        sinkhorn(S, **given)


def test_a_tolerance_that_is_not_reached_is_said() -> None:
    with pytest.raises(InputError, match="allow more iterations or a larger epsilon"):
        sinkhorn(unit(40, 10), epsilon=0.01, iterations=2, tolerance=1e-6)
    with pytest.raises(InputError, match="off by nan"):
        sinkhorn(torch.full((3, 2), torch.nan), epsilon=1.0, tolerance=1e-3)
