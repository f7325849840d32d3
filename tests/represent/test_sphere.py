"""Alignment and uniformity: known values, the law that covers the sphere, and that descent finds it."""

import math

import pytest
import torch
from scipy.special import gammaln, ive
from torch import Tensor
from torch.optim import Adam

from likeness import ranks
from likeness.errors import InputError
from likeness.lockstep import lockstep
from likeness.represent.sphere import (
    alignment,
    check_others,
    ideal_uniformity,
    normalise,
    uniformity,
    uniformity_between,
)

PUBLISHED = [(2, 2, -1.5750), (2, 3, -1.7918), (3, 2, -2.0798), (3, 3, -2.4849)]
PUBLISHED += [(64, 2, -3.8752), (128, 2, -3.9375), (128, 3, -5.8595)]


def points(n: int, d: int) -> Tensor:
    return normalise(torch.randn(n, d, dtype=torch.float64))


@pytest.mark.parametrize(("d", "t", "value"), PUBLISHED)
def test_the_uniform_law_has_its_closed_form(d: int, t: float, value: float) -> None:
    assert ideal_uniformity(d, t) == pytest.approx(value, abs=5e-5)
    x = points(3000, d)
    assert float(uniformity(x, t=t)) == pytest.approx(value, abs=0.02)


@pytest.mark.parametrize("d", [2, 3, 10, 64, 200])
@pytest.mark.parametrize("t", [0.01, 2.0, 30.0])
def test_the_series_is_the_bessel_function(d: int, t: float) -> None:
    b = d / 2
    bessel = ive(b - 1, 2 * t)
    if bessel > 1e-300:  # it leaves the numbers of 64 bits where the series does not
        expected = gammaln(b) + (1 - b) * math.log(t) + math.log(bessel)
        assert ideal_uniformity(d, t) == pytest.approx(float(expected), abs=1e-9 * max(1, b))


def test_limits_of_the_ideal() -> None:
    for d in (1, 3, 50):
        assert ideal_uniformity(d, 1e-6) == pytest.approx(-2e-6, rel=1e-4), "all is near to all"
    assert ideal_uniformity(1, 2.0) == pytest.approx(math.log((1 + math.exp(-8)) / 2)), "two points"
    assert ideal_uniformity(10**7, 2.0) == pytest.approx(-4, abs=1e-5), "all are at right angles"
    assert -2 * 5000 < ideal_uniformity(2048, 5000.0) < -1000


def test_one_point_is_aligned_and_not_uniform() -> None:
    x = points(1, 5).expand(20, 5)
    assert float(uniformity(x)) == pytest.approx(0, abs=1e-12)
    assert alignment(x, x).tolist() == [0] * 20


@pytest.mark.parametrize("alpha", [1.0, 2.0, 3.0])
def test_antipodes_are_as_far_as_can_be(alpha: float) -> None:
    x = points(4, 3)
    torch.testing.assert_close(alignment(x, -x, alpha=alpha), torch.full((4,), 2**alpha, dtype=torch.float64))
    assert float(uniformity(torch.cat((x[:1], -x[:1])), t=3.0)) == pytest.approx(-12), "of two, exp(−t 2²)"


def test_slopes_are_finite_where_a_pair_is_one_point() -> None:
    x = points(3, 4).requires_grad_()
    alignment(x, x.detach().clone(), alpha=1.0).sum().backward()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("block", [None, 3])
def test_uniformity_is_the_mean_of_a_loop_over_pairs(block: int | None) -> None:
    x = points(7, 4)
    potentials = [math.exp(-3 * float((x[i] - x[j]).square().sum())) for i in range(7) for j in range(i)]
    assert float(uniformity(x, t=3.0, block=block)) == pytest.approx(math.log(sum(potentials) / 21), rel=1e-12)


@pytest.mark.parametrize("within", [True, False])
def test_uniformity_with_a_queue_is_the_mean_of_a_loop(within: bool) -> None:
    x, rows = points(5, 4), points(8, 4)
    potential = lambda u, v: math.exp(-3 * float((u - v).square().sum()))  # noqa: E731
    potentials = [potential(u, v) for u in x for v in rows]
    if within:
        potentials += [potential(x[i], x[j]) for i in range(5) for j in range(5) if i != j]
    expected = math.log(sum(potentials) / len(potentials))
    assert float(uniformity_between(x, rows, t=3.0, within=within)) == pytest.approx(expected, rel=1e-12)


def test_it_turns_with_the_sphere() -> None:
    x, y, turn = points(9, 5), points(9, 5), torch.linalg.qr(torch.randn(5, 5, dtype=torch.float64))[0]
    torch.testing.assert_close(uniformity(x @ turn), uniformity(x))
    torch.testing.assert_close(alignment(x @ turn, y @ turn), alignment(x, y))


def test_descent_spreads_points_over_the_sphere() -> None:
    free = torch.nn.Parameter(torch.randn(200, 3) * 0.1 + torch.tensor([1.0, 0.0, 0.0]))
    moves = Adam([free], 0.05)
    assert float(uniformity(normalise(free.detach()))) > -0.2
    for _ in range(300):
        moves.zero_grad()
        loss = uniformity(normalise(free))
        loss.backward()
        moves.step()
    x = normalise(free.detach())
    every = (x @ x.T * 4 - 4).exp().mean().log()  # with each point and itself, as the energy of a law counts them
    assert float(every) == pytest.approx(ideal_uniformity(3), abs=0.01)
    assert float(every) > ideal_uniformity(3), "no law does better"
    assert float(x.mean(0).norm()) < 0.02


@pytest.mark.parametrize("size", [2, 3])
def test_processes_find_the_values_and_slopes_of_the_whole(size: int) -> None:
    x, rows = torch.randn(7, 4, dtype=torch.float64), points(6, 4)

    def loss(x: Tensor) -> Tensor:
        z = normalise(x)
        return uniformity(z) + uniformity_between(z, rows)

    whole = x.clone().requires_grad_()
    value = loss(whole)
    value.backward()

    def work(rank: int) -> tuple[Tensor, Tensor]:
        part = ranks.world().part(7)
        mine = x[part.start : part.start + part.n].clone().requires_grad_()
        with ranks.holding(part):
            found = loss(mine)
            (found * part.weight).backward()
        return found, mine.grad

    found = lockstep(size, work)
    for here, _ in found:
        torch.testing.assert_close(here, value)
    torch.testing.assert_close(torch.cat([grad for _, grad in found]), whole.grad)


def test_normalise_keeps_the_direction() -> None:
    z = torch.tensor([[3.0, 4.0], [0.0, -2.0], [1e-15, 0.0]])
    torch.testing.assert_close(normalise(z), torch.tensor([[0.6, 0.8], [0.0, -1.0], [1.0, 0.0]]))


def test_bad_input_is_said_in_one_line() -> None:
    long = 3 * points(4, 2)
    with pytest.raises(InputError, match=r"length 3 to 3 .*normalise first"):
        uniformity(long)
    with pytest.raises(InputError, match="normalise"):
        alignment(points(4, 2), long)
    with pytest.raises(InputError, match="normalise"):
        uniformity_between(points(4, 2), long)
    with pytest.raises(InputError, match=r"1 of 3 feature vectors are zero, the first is row 1"):
        normalise(torch.tensor([[1.0], [0.0], [2.0]]))
    with pytest.raises(InputError, match="batch of 1"):
        uniformity(points(1, 2))
    with pytest.raises(InputError, match="t 0"):
        uniformity(points(3, 2), t=0.0)
    with pytest.raises(InputError, match="alpha -1"):
        alignment(points(3, 2), points(3, 2), alpha=-1)
    with pytest.raises(InputError, match="0 dimensions"):
        ideal_uniformity(0)


def test_one_sample_a_process_is_a_batch() -> None:
    with ranks.holding(ranks.Part(0, 1, 2)):
        check_others(points(1, 2), "contrast")
