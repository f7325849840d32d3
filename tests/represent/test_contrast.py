"""Contrast against loops and other people's losses, its limit with many negatives, its bound, and on two processes."""

import importlib
import importlib.util
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from likeness import ranks
from likeness.errors import InputError
from likeness.lockstep import lockstep
from likeness.represent.contrast import between, info_nce, mutual_information_bound, nt_xent, two_views
from likeness.represent.sphere import alignment, normalise


def pair(n: int = 6, d: int = 4, noise: float = 0.5) -> tuple[Tensor, Tensor]:
    x = torch.randn(n, d, dtype=torch.float64)
    return normalise(x), normalise(x + noise * torch.randn(n, d, dtype=torch.float64))


def by_loops(z1: Tensor, z2: Tensor, tau: float) -> Tensor:
    """As the paper's algorithm says it, view by view."""
    z, n = torch.cat((z1, z2)).tolist(), len(z1)
    s = [[math.exp(sum(u * v for u, v in zip(a, b)) / tau) for b in z] for a in z]
    ell = [-math.log(s[i][(i + n) % (2 * n)] / sum(s[i][k] for k in range(2 * n) if k != i)) for i in range(2 * n)]
    return torch.tensor([(ell[i] + ell[i + n]) / 2 for i in range(n)], dtype=torch.float64)


@pytest.mark.parametrize("tau", [0.07, 0.5, 3.0])
@pytest.mark.parametrize("block", [None, 5])
def test_nt_xent_is_the_loop_of_the_paper(tau: float, block: int | None) -> None:
    z1, z2 = pair()
    torch.testing.assert_close(nt_xent(z1, z2, tau=tau, block=block), by_loops(z1, z2, tau))


@pytest.fixture
def lightlys() -> Iterator[ModuleType]:
    """The file of its loss alone: the packages around it import torchvision, which the loss does not need."""
    spec = importlib.util.find_spec("lightly")
    if spec is None or spec.origin is None:
        pytest.skip("parity with lightly needs lightly")
    root, before = Path(spec.origin).parent, set(sys.modules)
    for name in ("", ".loss", ".models", ".models.modules", ".models.utils", ".utils"):
        package = ModuleType("lightly" + name)
        package.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
        sys.modules["lightly" + name] = package
    try:
        yield importlib.import_module("lightly.loss.ntx_ent_loss")
    finally:
        for name in set(sys.modules) - before:
            if name.startswith("lightly"):
                del sys.modules[name]


@pytest.mark.parametrize("tau", [0.1, 0.5])
def test_nt_xent_is_lightlys(lightlys: ModuleType, tau: float) -> None:
    z1, z2 = (z.float().requires_grad_() for z in pair(32, 16))
    theirs, ours = lightlys.NTXentLoss(temperature=tau)(z1, z2), nt_xent(z1, z2, tau=tau).mean()
    assert float(ours) == pytest.approx(theirs.item(), abs=1e-5)
    tangent = lambda g, z: g - (g * z).sum(1, keepdim=True) * z  # noqa: E731  # theirs normalises once more
    for g, h, z in zip(torch.autograd.grad(ours, (z1, z2)), torch.autograd.grad(theirs, (z1, z2)), (z1, z2)):
        torch.testing.assert_close(tangent(g, z), h, rtol=0, atol=1e-6)


def test_nt_xent_is_that_of_pytorch_metric_learning() -> None:
    losses = pytest.importorskip(
        "pytorch_metric_learning.losses", reason="parity with pytorch-metric-learning needs it"
    )
    z1, z2 = pair(16, 8)
    theirs = losses.NTXentLoss(temperature=0.5)(torch.cat((z1, z2)), torch.arange(16).repeat(2))
    assert float(nt_xent(z1, z2).mean()) == pytest.approx(theirs.item(), abs=1e-5)


def test_the_others_are_cross_entropies() -> None:
    (x, y), negatives = pair(), pair(9)[0]
    torch.testing.assert_close(between(x, y, tau=0.2), cross_entropy(x @ y.T / 0.2, torch.arange(6), reduction="none"))
    logits = torch.cat(((x * y).sum(1, keepdim=True), x @ negatives.T), 1) / 0.2
    expected = cross_entropy(logits, torch.zeros(6, dtype=torch.long), reduction="none")
    torch.testing.assert_close(info_nce(x, y, negatives, tau=0.2), expected)


def test_values_in_closed_form() -> None:
    one = normalise(torch.ones(5, 3, dtype=torch.float64))
    torch.testing.assert_close(nt_xent(one, one), torch.full((5,), math.log(9), dtype=torch.float64))
    torch.testing.assert_close(between(one, one, tau=0.1), torch.full((5,), math.log(5), dtype=torch.float64))
    eye = torch.eye(4, dtype=torch.float64)
    expected = math.log(math.exp(2) + 6) - 2  # the partner at distance 0, six at right angles
    torch.testing.assert_close(nt_xent(eye, eye), torch.full((4,), expected, dtype=torch.float64))
    antipodal = math.log(math.exp(-2) + 6) + 2
    torch.testing.assert_close(nt_xent(eye, -eye), torch.full((4,), antipodal, dtype=torch.float64))


def test_a_batch_in_another_order_and_views_that_change_places() -> None:
    z1, z2 = pair(8)
    order = torch.randperm(8)
    torch.testing.assert_close(nt_xent(z1[order], z2[order]), nt_xent(z1, z2)[order])
    torch.testing.assert_close(nt_xent(z2, z1), nt_xent(z1, z2))


def test_blocks_have_the_same_slopes() -> None:
    z1, z2 = (z.requires_grad_() for z in pair(13))
    full = torch.autograd.grad(nt_xent(z1, z2, tau=0.1).mean(), (z1, z2))
    blocked = torch.autograd.grad(nt_xent(z1, z2, tau=0.1, block=4).mean(), (z1, z2))
    for a, b in zip(blocked, full):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-13)


@pytest.mark.parametrize("tau", [1e-3, 0.07])
def test_small_temperatures_overflow_nothing(tau: float) -> None:
    z1, z2 = (z.float().requires_grad_() for z in pair())
    loss = nt_xent(z1, z2, tau=tau).mean()
    loss.backward()
    assert loss.isfinite()
    assert z1.grad.isfinite().all()


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("block", [None, 3])
@pytest.mark.parametrize("each", [1, 2])
def test_processes_find_the_values_and_slopes_of_the_whole(size: int, block: int | None, each: int) -> None:
    x, y, W = (torch.randn(*s, dtype=torch.float64) for s in ((7 * each, 5), (7 * each, 5), (5, 4)))

    def loss(x: Tensor, y: Tensor, W: Tensor) -> Tensor:
        z1, z2 = normalise(x @ W), normalise(y @ W)
        return nt_xent(z1, z2, tau=0.2, block=block) + between(z1, z2, tau=0.3, block=block)

    whole = W.clone().requires_grad_()
    values = loss(x, y, whole)
    values.mean().backward()

    def work(rank: int) -> tuple[Tensor, Tensor]:
        part, w = ranks.world().part(7), W.clone().requires_grad_()
        mine = slice(part.start * each, (part.start + part.n) * each)
        with ranks.holding(part):
            found = loss(x[mine], y[mine], w)
            (found.mean() * part.weight).backward()
        return found, w.grad

    found = lockstep(size, work)
    torch.testing.assert_close(torch.cat([v for v, _ in found]), values, rtol=0, atol=1e-10)
    torch.testing.assert_close(sum(g for _, g in found), whole.grad, rtol=0, atol=1e-10)


def test_many_negatives_leave_alignment_and_a_potential() -> None:
    """Theorem 1 of Wang and Isola: the deviation from the limit decays as M^(−1/2)."""
    tau, d, reservoir = 0.5, 8, 4000
    data = normalise(torch.randn(reservoir, d, dtype=torch.float64) + 0.5)  # p_data, a law on so many points
    x, y = data[:200], normalise(data[:200] + 0.3 * torch.randn(200, d, dtype=torch.float64))
    potential = ((y @ data.T) / tau).logsumexp(1) - math.log(reservoir)
    limit = float((potential - (x * y).sum(1) / tau).mean())
    counts, off = np.array([128, 512, 2048, 8192]), []
    for M in counts:
        found = []
        for i in range(200):
            negatives = data[torch.randint(reservoir, (int(M),))]
            found.append(float(info_nce(y[i : i + 1], x[i : i + 1], negatives, tau=tau)) - math.log(M))
        off.append(np.sqrt(np.mean((np.array(found) - (potential - (x * y).sum(1) / tau).numpy()) ** 2)))
    slope = np.polyfit(np.log(counts), np.log(off), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.1), off
    assert np.mean(found) == pytest.approx(limit, abs=4 * off[-1] / math.sqrt(200) + 1e-2)
    aligned = float((alignment(x, y) / (2 * tau)).mean()) - 1 / tau  # −x·y/τ of rows on the sphere
    assert aligned == pytest.approx(float(-(x * y).sum(1).mean()) / tau)


def test_the_bound_holds_and_is_met_where_the_information_is_known() -> None:
    K, N = 8, 64  # x uniform on K axes and y = x: log K nats, which the best critic proves with N well above K
    eye, bounds = torch.eye(K, dtype=torch.float64), []
    for _ in range(50):
        x = eye[torch.randint(K, (400,))]
        negatives = eye[torch.randint(K, (N - 1,))]
        bounds.append(mutual_information_bound(float(info_nce(x, x, negatives, tau=0.02).mean()), N))
    assert np.mean(bounds) <= math.log(K)
    assert np.mean(bounds) == pytest.approx(math.log(K), abs=0.1)
    x = normalise(torch.randn(500, 3, dtype=torch.float64))
    y, negatives = (normalise(torch.randn(n, 3, dtype=torch.float64)) for n in (500, N - 1))
    assert mutual_information_bound(float(info_nce(x, y, negatives, tau=0.5).mean()), N) < 0.02, "independent: nothing"
    assert mutual_information_bound(0.0, N) == math.log(N)


def test_bad_input_is_said_in_one_line() -> None:
    z, long = pair()[0], 2 * pair()[0]
    for wrong in (
        lambda: nt_xent(z, long),
        lambda: between(long, z, tau=1.0),
        lambda: info_nce(z, z, long, tau=1.0),
    ):
        with pytest.raises(InputError, match="normalise first"):
            wrong()
    for wrong in (lambda: nt_xent(z[:1], z[:1]), lambda: between(z[:1], z[:1], tau=1.0)):
        with pytest.raises(InputError, match=r"batch of 1: .* two samples or more"):
            wrong()
    for wrong in (lambda: nt_xent(z, z, tau=0.0), lambda: info_nce(z, z, z, tau=-1.0)):
        with pytest.raises(InputError, match="temperature is above zero"):
            wrong()
    with pytest.raises(InputError, match="0 negatives"):
        info_nce(z, z, z[:0], tau=1.0)
    with pytest.raises(InputError, match="1 candidates"):
        mutual_information_bound(0.0, 1)


@pytest.mark.parametrize("views", [lambda x: [x], lambda x: [x, x, x], lambda x: [x, x[..., :2]]])
def test_methods_of_two_views_refuse_others(views) -> None:
    with pytest.raises(InputError, match="takes two of one shape"):
        two_views(views, torch.zeros(2, 1, 4, 4))
