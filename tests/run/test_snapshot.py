"""What was packed comes back, to the last digit; a training that is put back goes on as if it had not stopped."""

import random
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from together import batches, images, one_loss
from torch import Tensor, nn
from torch.optim import LBFGS, SGD, Adam, Optimizer

from likeness.core import train
from likeness.errors import DivergedError, InputError
from likeness.run import snapshot, state
from likeness.run.learner import Learner

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=12,
)


@given(value=PLAIN)
@settings(deadline=None)
def test_plain_values_come_back_as_they_were(value: object) -> None:
    tensors: dict[str, Tensor] = {}
    assert snapshot.unpacked(snapshot.packed(value, tensors, "x"), tensors) == value
    assert not tensors


def test_tensors_are_named_by_their_place() -> None:
    tensors: dict[str, Tensor] = {}
    value = {"a": [torch.ones(1), (torch.zeros(2), 3)], 5: {"b": torch.tensor(4)}}
    found = snapshot.unpacked(snapshot.packed(value, tensors, "x"), tensors)
    assert set(tensors) == {"x.a.0", "x.a.1.0", "x.5.b"}
    assert found[5]["b"] is value[5]["b"]
    with pytest.raises(TypeError, match=r"x\.f is of type function"):
        snapshot.packed({"f": lambda: None}, tensors, "x")


def test_every_random_state_comes_back() -> None:
    found = snapshot.random_state()
    first = random.random(), np.random.rand(), float(torch.rand(()))
    snapshot.set_random_state(found)
    assert first == (random.random(), np.random.rand(), float(torch.rand(())))


OPTIMISERS = {
    "adam": lambda p: Adam(p, 1e-3),
    "fused": lambda p: Adam(p, 1e-3, fused=True),
    "foreach": lambda p: Adam(p, 1e-3, foreach=True),
    "amsgrad": lambda p: Adam(p, 1e-3, amsgrad=True),
    "momentum": lambda p: SGD(p, 1e-2, momentum=0.9),
    "lbfgs": lambda p: LBFGS(p, 1e-3, max_iter=3),
}


def steps(learner: Learner, feed, n: int) -> None:
    for _ in islice(train(learner.method, feed, learner.optimisers), n):
        learner.after()


@pytest.mark.parametrize("kind", [*OPTIMISERS])
def test_it_goes_on_bit_for_bit(kind: str, tmp_path: Path) -> None:
    def build() -> Learner:
        learner = one_loss()
        return learner._replace(optimisers=OPTIMISERS[kind](learner.method.parameters()))

    torch.manual_seed(0)
    whole = build()
    feed = batches(12, 2)
    steps(whole, feed, 7)
    snapshot.save(tmp_path, whole, {})
    steps(whole, feed, 7)
    torch.manual_seed(99)
    other, feed = build(), batches(12, 2)
    found, _ = state.newest(tmp_path)
    assert found is not None
    list(islice(feed, 7))
    snapshot.load(found, other, {})
    steps(other, feed, 7)
    for (name, a), (_, b) in zip(whole.state.state_dict().items(), other.state.state_dict().items(), strict=True):
        assert torch.equal(a, b), name


def test_so_do_two_players_on_images_with_channels_last(tmp_path: Path) -> None:
    torch.manual_seed(0)
    whole, feed = images(), batches(12, 1, 8, 8)
    steps(whole, feed, 3)
    snapshot.save(tmp_path, whole, {})
    steps(whole, feed, 3)
    torch.manual_seed(5)
    other, feed = images(), batches(12, 1, 8, 8)
    found, _ = state.newest(tmp_path)
    assert found is not None
    list(islice(feed, 3))
    snapshot.load(found, other, {})
    steps(other, feed, 3)
    for (name, a), (_, b) in zip(whole.state.state_dict().items(), other.state.state_dict().items(), strict=True):
        assert torch.equal(a, b), name


def rates(optimiser: Optimizer) -> list[float]:
    return [group["lr"] for group in optimiser.param_groups]


def test_new_rates_are_kept_if_that_is_wished(tmp_path: Path) -> None:
    learner = one_loss()
    snapshot.save(tmp_path, learner, {})
    found, _ = state.newest(tmp_path)
    assert found is not None
    for new, expected in ((False, [1e-3]), (True, [0.5])):
        other = one_loss()
        assert isinstance(other.optimisers, Optimizer)
        other.optimisers.param_groups[0]["lr"] = 0.5
        snapshot.load(found, other, {}, new_rates=new)
        assert rates(other.optimisers) == expected


def test_another_model_is_refused(tmp_path: Path) -> None:
    snapshot.save(tmp_path, one_loss(), {})
    found, _ = state.newest(tmp_path)
    assert found is not None
    method = one_loss().method
    method.extra = nn.Linear(1, 1)
    other = Learner(method, Adam(method.parameters()), lambda: None, method)
    with pytest.raises(InputError, match="differ in"):
        snapshot.load(found, other, {})


def test_lost_numbers_are_not_saved(tmp_path: Path) -> None:
    learner = one_loss()
    snapshot.save(tmp_path, learner, {})
    with torch.no_grad():
        next(learner.method.parameters()).fill_(torch.nan)
    learner.method.iteration = 4
    with pytest.raises(DivergedError, match="step 4"):
        snapshot.save(tmp_path, learner, {})
    found, _ = state.newest(tmp_path)
    assert found is not None
    assert found.iteration == 0
