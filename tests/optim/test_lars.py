"""The step is the paper's, its limits are plain descent, it resumes, and methods train with it."""

import copy
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from likeness.core import Method, Update, train
from likeness.data.batch import Batch
from likeness.errors import InputError
from likeness.optim.lars import LARS, layerwise, ratio
from likeness.testing import check_method


class Net(Method):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.LayerNorm(8), nn.Linear(8, 2))

    def updates(self, batch: Batch) -> Iterator[Update]:
        yield self, lambda: {"error": (self.net(batch.x) - batch.x[:, :2]).square().sum(1).mean()}


BATCH = Batch(torch.randn(16, 4))


def loss(w: Tensor) -> Tensor:
    return (w.square().sum() - 1).square() + w.sum()


def test_steps_are_those_of_the_paper() -> None:
    torch.manual_seed(0)
    w = nn.Parameter(torch.randn(3, 4, dtype=torch.float64))
    moves = LARS([w], 0.5, momentum=0.8, weight_decay=0.03, trust=0.02)
    expected, v = w.detach().clone(), torch.zeros(3, 4, dtype=torch.float64)
    for _ in range(6):
        moves.zero_grad()
        loss(w).backward()
        moves.step()
        g = 4 * (expected.square().sum() - 1) * expected + 1
        rate = 0.02 * expected.norm() / (g.norm() + 0.03 * expected.norm())
        v = 0.8 * v + 0.5 * rate * (g + 0.03 * expected)
        expected = expected - v
        torch.testing.assert_close(w.detach(), expected)


def test_the_first_step_is_a_share_of_the_norm_whatever_the_gradient() -> None:
    for scale in (1e-6, 1.0, 1e6):
        w = nn.Parameter(torch.randn(20, 5))
        before = w.detach().clone()
        w.grad = scale * torch.randn(20, 5)
        LARS([w], 2.0, trust=1e-3).step()
        assert float((w.detach() - before).norm() / before.norm()) == pytest.approx(2e-3, rel=1e-4)


@pytest.mark.parametrize("trust", [None, 1e-3])
def test_where_there_is_nothing_to_compare_it_is_plain_descent(trust: float | None) -> None:
    """Without trust throughout; with it for the first step of weights that begin at zero."""
    ours, theirs = (nn.Parameter(torch.zeros(4, dtype=torch.float64)) for _ in range(2))
    if trust is None:
        ours.data += 1.0
        theirs.data += 1.0
    a = LARS([ours], 0.01, momentum=0.9, weight_decay=0.1, trust=trust)
    b = SGD([theirs], 0.01, momentum=0.9, weight_decay=0.1)
    for _ in range(5 if trust is None else 1):
        for w, moves in ((ours, a), (theirs, b)):
            moves.zero_grad()
            loss(w).backward()
            moves.step()
    torch.testing.assert_close(ours, theirs)
    assert float(ratio(torch.zeros(3), torch.ones(3), trust=0.1)) == 1
    assert float(ratio(torch.ones(3), torch.zeros(3), trust=0.1, weight_decay=0.0)) == 1


def test_biases_and_norms_are_left_to_plain_descent() -> None:
    model = Net()
    groups = layerwise(model, weight_decay=0.1)
    assert [sorted(p.ndim for p in group["params"]) for group in groups] == [[2, 2], [1, 1, 1, 1]]
    moves = LARS(groups, 0.1)
    assert [(g["weight_decay"], g["trust"]) for g in moves.param_groups] == [(0.1, 1e-3), (0.0, None)]
    before = model.net[0].bias.detach().clone()
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    moves.step()
    torch.testing.assert_close(model.net[0].bias.detach(), before - 0.1)
    assert len(layerwise(nn.Linear(3, 2, bias=False))) == 1


def test_it_goes_on_from_its_state() -> None:
    def steps(model: Net, moves: LARS, k: int) -> None:
        for _ in train(model, [BATCH] * k, moves):
            pass

    torch.manual_seed(0)
    model = Net()
    moves = LARS(layerwise(model), 1.0, momentum=0.9)
    steps(model, moves, 3)
    other = copy.deepcopy(model)
    again = LARS(layerwise(other), 0.123, momentum=0.5)
    again.load_state_dict(copy.deepcopy(moves.state_dict()))
    steps(model, moves, 3)
    steps(other, again, 3)
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), other.parameters()))


def test_the_closure_is_called_once_with_gradients_and_its_loss_is_returned() -> None:
    w, calls = nn.Parameter(torch.ones(3)), []

    def closure() -> Tensor:
        moves.zero_grad()
        value = loss(w)
        value.backward()
        calls.append(value)
        return value

    moves = LARS([w, nn.Parameter(torch.ones(2))], 0.1)  # one without a gradient is left alone
    with torch.no_grad():
        assert moves.step(closure) is calls[0]
    assert len(calls) == 1


def test_it_learns() -> None:
    torch.manual_seed(0)
    model = Net()
    found = [float(s.terms["error"]) for s in train(model, [BATCH] * 200, LARS(layerwise(model), 0.1, trust=0.1))]
    assert found[-1] < 0.1 * found[0]


def test_a_method_trains_with_it() -> None:
    check_method(Net, BATCH, lambda m: LARS(layerwise(m), 0.1))


@pytest.mark.parametrize(
    "given", [{"lr": -1}, {"lr": 1, "momentum": 1.0}, {"lr": 1, "weight_decay": -1}, {"lr": 1, "trust": -1}]
)
def test_numbers_that_cannot_be_are_refused(given: dict[str, float]) -> None:
    with pytest.raises(InputError, match="zero or more"):
        LARS([nn.Parameter(torch.ones(1))], **given)
