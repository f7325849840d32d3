"""A step of training never asks the device for a value: what is printed is read at the ticks alone."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from likeness.core import learn
from likeness.data.batch import Batch
from likeness.nn.precision import lower
from likeness.recipes import made as masked
from likeness.recipes import pixelcnn, vae
from likeness.recipes.common import Facts, Model
from likeness.recipes.gan import Settings, build, fitting
from likeness.run.fit import _Means

POINTS = Facts("vectors", (2,), (), (), 1000)
PICTURES = Facts("images", (1, 8, 8), ("a", "b"), (500, 500), 1000)
SMALL = {"data": "x", "device": "cpu", "steps": 10, "batch_size": 8, "width": 8, "d_z": 4, "penalty_every": 1}
ASKED: dict[str, dict[str, Any]] = {
    "r1": {},
    "gradient-penalty": {"penalty": "gradient-penalty"},
    "clipped": {"penalty": "none", "clip": 0.01, "loss": "wasserstein", "n_critic": 2},
    "conditional": {"conditional": True, "instance_noise": 0.1, "smoothing": 0.1},
    "spectral": {"spectral": True, "loss": "relativistic"},
}
# Operations whose outcome the host has to see before it can go on.
WAITING = ("_local_scalar_dense", "item", "is_nonzero", "nonzero", "masked_select", "unique", "equal", "bincount")


class NoWaiting(TorchDispatchMode):
    """Fails where the host would wait for the device."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket._qualified_op_name.split("::")[1]
        assert not name.startswith(WAITING), f"{name} waits for the device"
        by_mask = name in ("index", "index_put_") and any(i is not None and i.dtype == torch.bool for i in args[1])
        assert not by_mask, "indexing by a mask waits for the device"
        return func(*args, **kwargs or {})


@pytest.mark.parametrize(
    "ask",
    [lambda x: x.sum().item(), lambda x: bool(x.any()), lambda x: x.nonzero(), lambda x: x[x > 0]],
)
def test_what_waits_is_seen(ask: Callable[[Tensor], Any]) -> None:
    with NoWaiting(), pytest.raises(AssertionError, match="waits"):
        ask(torch.randn(3))


def made(facts: Facts, asked: dict[str, Any], precision: str) -> tuple[Model, Batch]:
    if asked.get("conditional") and not facts.classes:
        pytest.skip("points have no classes")
    model = build(fitting(Settings(**SMALL | asked), facts), facts)
    if precision == "bf16":
        lower(model.learner.method.G)
        lower(model.learner.method.D)
    return model, Batch(torch.randn(8, *facts.event), torch.zeros(8, dtype=torch.long) if facts.classes else None)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
@pytest.mark.parametrize("facts", [POINTS, PICTURES], ids=["points", "pictures"])
def test_a_step_and_what_follows_it_wait_for_nothing(facts: Facts, asked: dict[str, Any], precision: str) -> None:
    model, batch = made(facts, asked, precision)
    learner, means = model.learner, _Means()
    with NoWaiting():
        for _ in range(3):
            means.add(learn(learner.method.train(), batch, learner.optimisers))
            learner.after()
    assert all(abs(value) < 1e3 for value in means.take(3).values())


@pytest.mark.parametrize(
    "asked",
    [{}, {"likelihood": "gaussian-map", "free_bits": 0.1, "ema": 0.9}, {"hierarchy": 3, "free_bits": 0.1}],
    ids=["σ", "map", "hierarchy"],
)
@pytest.mark.parametrize("facts", [POINTS, PICTURES], ids=["points", "pictures"])
def test_a_step_of_a_vae_waits_for_nothing(facts: Facts, asked: dict[str, Any]) -> None:
    settings = vae.Settings(data="x", device="cpu", steps=10, batch_size=8, width=8, **asked)
    learner = vae.build(vae.fitting(settings, facts), facts).learner
    with NoWaiting():
        for _ in range(3):
            learn(learner.method.train(), Batch(torch.randn(8, *facts.event)), learner.optimisers)
            learner.after()


@pytest.mark.parametrize("name", ["grey", "binary", "classes", "made"])
def test_a_step_of_what_is_drawn_in_order_waits_for_nothing_once_the_data_were_seen(name: str) -> None:
    asked = {"binary": {"binary": True}, "classes": {"conditional": True}}.get(name, {})
    recipe, facts = (masked, POINTS) if name == "made" else (pixelcnn, PICTURES)
    settings = recipe.Settings(data="x", device="cpu", steps=10, batch_size=8, **asked)
    learner = recipe.build(recipe.fitting(settings, facts), facts).learner
    batch = Batch(torch.randint(256, (8, *facts.event)) / 127.5 - 1, torch.arange(8) % 2)
    learn(learner.method.train(), batch, learner.optimisers)
    with NoWaiting():
        for _ in range(3):
            learn(learner.method.train(), batch, learner.optimisers)
            learner.after()


@pytest.mark.parametrize("facts", [POINTS, PICTURES], ids=["points", "pictures"])
def test_a_step_needs_no_value_at_all(facts: Facts) -> None:
    """On torch's device without values, reading one is an error, also by `tolist`, which no mode sees."""
    model, batch = made(facts, {}, "fp32")
    learner = model.learner
    learner.state.to("meta")
    Adam = torch.optim.Adam
    optimisers = {p: Adam(p.parameters(), 1e-3) for p in (learner.method.D, learner.method.G)}
    terms = learn(learner.method.train(), Batch(*(None if t is None else t.to("meta") for t in batch)), optimisers)
    learner.after()
    assert {t.device.type for t in terms.values()} == {"meta"}
