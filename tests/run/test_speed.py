"""Each part of a step gets its own time, operations are counted exactly, and looking changes nothing."""

import time
from collections.abc import Iterator
from itertools import repeat
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from likeness.core import Method, Update
from likeness.gan.penalties import slope
from likeness.run.learner import Learner
from likeness.run.speed import PARTS, ROUND, Work, matmul_peak, memory, operations, parts, side_by_side, speed, whole

CPU = torch.device("cpu")


class Slowly(torch.autograd.Function):
    """Takes 4 ms to differentiate."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        time.sleep(0.004)
        return g


class Sleepy(Method):
    """Takes 1 ms before its objective and 2 ms in it."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.ones(()))

    def updates(self, batch: Tensor) -> Iterator[Update]:
        time.sleep(0.001)

        def objective() -> dict[str, Tensor]:
            time.sleep(0.002)
            return {"error": Slowly.apply(self.w * batch)}

        yield self, objective


class Sleeper(Optimizer):
    """Takes 6 ms to move, nowhere."""

    def __init__(self, params: Any) -> None:
        super().__init__(params, {})

    def step(self, closure: Any = None) -> Any:
        loss = closure()
        time.sleep(0.006)
        return loss


def batches() -> Iterator[Tensor]:
    for _ in repeat(None):
        time.sleep(0.005)
        yield torch.ones(())


def sleepy(**options: Any) -> Work:
    method = Sleepy()
    optimiser = Sleeper(method.parameters())
    return Work(Learner(method, optimiser, lambda: time.sleep(0.007), method), batches(), CPU, **options)


def test_time_goes_to_the_part_that_takes_it() -> None:
    start = time.perf_counter()
    found = parts(sleepy())
    elapsed = time.perf_counter() - start
    expected = {"data": 5, "forward": 3, "backward": 4, "optimiser": 6, "rest": 7}
    assert list(found) == list(PARTS)
    assert all(1000 * found[part] >= ms for part, ms in expected.items()), found
    assert sum(found.values()) * ROUND <= elapsed, "no time is counted twice"


def test_the_parts_make_up_the_step() -> None:
    made = speed(sleepy(), 0.1)
    assert made.rounds == 3, "however slow, three rounds"
    assert made.step >= 0.025
    assert sum(made.parts.values()) == pytest.approx(made.step * (1 + made.clock), rel=0.2)


class Layers(Method):
    """Two linear layers: a regression, or the square of their slope alone."""

    def __init__(self, *, sloped: bool = False) -> None:
        super().__init__()
        self.first, self.second, self.sloped = nn.Linear(8, 6, bias=False), nn.Linear(6, 1, bias=False), sloped

    def net(self, x: Tensor) -> Tensor:
        return self.second(self.first(x)).squeeze(1)

    def updates(self, batch: Tensor) -> Iterator[Update]:
        if self.sloped:
            yield self, lambda: {"slope": slope(self.net, batch).square().sum(1).mean()}
        else:
            yield self, lambda: {"error": self.net(batch).square().mean()}


def layers(**options: Any) -> Work:
    torch.manual_seed(0)
    method = Layers(**options)
    return Work(Learner(method, Adam(method.parameters(), 1e-3), lambda: None, method), repeat(torch.randn(32, 8)), CPU)


def test_operations_are_those_of_the_matrix_products() -> None:
    n, a, b = 32, 8, 6
    forward = 2 * n * a * b + 2 * n * b
    weights, inner = forward, 2 * n * b  # gradients of both weights, and of what lies between them
    assert operations(layers()) == forward + weights + inner


def test_operations_of_gradients_of_gradients_are_counted() -> None:
    n, a, b = 32, 8, 6
    forward = 2 * n * a * b + 2 * n * b
    slopes = forward  # of the inputs: each product once, transposed
    again = 4 * n * a * b + 2 * n * b  # through each of those to the weights, and through the outer to the inner one
    assert operations(layers(sloped=True)) == forward + slopes + again


def test_looking_changes_nothing_and_leaves_nothing() -> None:
    looked, left = layers(), layers()
    parts(looked)
    whole(left)
    for p, q in zip(looked.learner.method.parameters(), left.learner.method.parameters(), strict=True):
        assert torch.equal(p, q)
    assert "updates" not in vars(looked.learner.method)
    assert not looked.learner.optimisers._optimizer_step_pre_hooks
    assert not looked.learner.optimisers._optimizer_step_post_hooks


def test_rounds_take_turns() -> None:
    found = side_by_side({"sloped": layers(sloped=True), "plain": layers(), "sleepy": sleepy()}, 0.01)
    assert {len(times) for times in found.values()} == {3}
    assert max(found["plain"]) < min(found["sleepy"])


def test_a_product_is_as_fast_as_it_can_be_and_memory_is_counted() -> None:
    n, start = 512, time.perf_counter()
    a = torch.randn(n, n)
    for _ in range(5):
        a @ a
    assert matmul_peak(CPU, torch.float32) > 0.5 * 5 * 2 * n**3 / (time.perf_counter() - start)
    before = memory(CPU)["host"]
    held = torch.ones(before // 4 + 2**26)
    assert memory(CPU)["host"] > before + 2**27, len(held)
