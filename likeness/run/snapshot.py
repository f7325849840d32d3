"""Everything that decides the future of a training, as tensors and plain values, and put back.

That is: parameters, buffers and averages (the learner's state), the optimisers, every random state of every process
(Python's, NumPy's, torch's), and what else has a `state_dict`: the place in the data, monitors, sums not yet written.
"""

import base64
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from likeness.errors import DivergedError, InputError
from likeness.gradients import local
from likeness.ranks import world
from likeness.run import state
from likeness.run.learner import Learner


@runtime_checkable
class Stateful(Protocol):
    """Whatever has a state: plain values and tensors, in dictionaries, lists and tuples."""

    def state_dict(self) -> Mapping[str, Any]: ...

    def load_state_dict(self, state: Any) -> object: ...


def save(run: Path, learner: Learner, others: Mapping[str, Stateful], keep: int = 2) -> None:
    """Write the state of the training in the folder `run`; every process calls it.

    Raises:
        DivergedError: a parameter is not finite; the states before stand.
        InputError: the disk is full, or the folder cannot be written.
    """
    iteration = learner.method.iteration
    for name, p in learner.state.named_parameters():
        if not bool(local(p).isfinite().all()):
            raise DivergedError(
                f"{name} is not finite at step {iteration}: lower the learning rate; what was saved stands"
            )
    tensors: dict[str, Tensor] = {}
    parts: dict[str, Stateful] = {"model": learner.state, **_optimisers(learner), **others}
    facts = {name: packed(part.state_dict(), tensors, name) for name, part in parts.items()}
    state.save(run, iteration, tensors, {"parts": facts, "random": world().objects(random_state())}, keep)


def load(saved: state.Saved, learner: Learner, others: Mapping[str, Stateful], *, new_rates: bool = False) -> None:
    """Put the training back where it was. Random states are those of as many processes as saved them, else the first's.

    `new_rates` leaves the optimisers the learning rates that they have now.

    Raises:
        InputError: it was made with other networks or optimisers than these.
    """
    known, facts = state.shapes(saved), saved.facts["parts"]
    parts: dict[str, Stateful] = {"model": learner.state, **_optimisers(learner), **others}
    if lacking := sorted(parts.keys() - facts.keys()):
        raise InputError(f"{saved.folder} has no state of {lacking[0]}: it was made by another version")
    like: dict[str, Tensor] = {}
    packed(learner.state.state_dict(), like, "model")
    if odd := sorted(like.keys() ^ {name for name in known if name.startswith("model.")}):
        raise InputError(f"{saved.folder} and this model differ in {odd[0]}: go on with the settings it was made with")
    for name, optimiser in _optimisers(learner).items():
        params = [p for group in optimiser.param_groups for p in group["params"]]
        like |= _like(name, params, known)
    tensors = {n: like[n] if n in like else torch.empty(shape, dtype=kind) for n, (shape, kind) in known.items()}
    state.load(saved, tensors)
    rates = [group["lr"] for optimiser in _optimisers(learner).values() for group in optimiser.param_groups]
    for name, part in parts.items():
        part.load_state_dict(unpacked(facts[name], tensors))
    if new_rates:
        groups = (group for optimiser in _optimisers(learner).values() for group in optimiser.param_groups)
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = rate
    states = saved.facts["random"]
    set_random_state(states[world().rank] if len(states) == world().size else states[0])


def _optimisers(learner: Learner) -> dict[str, Optimizer]:
    given = learner.optimisers
    every = [given] if isinstance(given, Optimizer) else list(given.values())
    return {f"optimiser{i}": optimiser for i, optimiser in enumerate(every)}


def _like(name: str, params: list[nn.Parameter], known: Mapping[str, Any]) -> dict[str, Tensor]:
    """Room for what an optimiser keeps of each parameter, laid out (and sharded) as the parameter is."""
    found = {}
    for i, p in enumerate(params):
        for key in (k for k in known if k.startswith(f"{name}.state.{i}.")):
            shape, kind = known[key]
            if shape == p.shape:
                found[key] = torch.empty_like(p, dtype=kind, requires_grad=False)
    return found


def packed(value: Any, tensors: dict[str, Tensor], name: str) -> Any:
    """The value as JSON knows it; every tensor in it goes into `tensors` by the name of its place."""
    if isinstance(value, Tensor):
        tensors[name] = value
        return {"tensor": name}
    if isinstance(value, Mapping):
        return {"dict": [[k, packed(v, tensors, f"{name}.{k}")] for k, v in value.items()]}
    if isinstance(value, tuple | list):
        items = [packed(v, tensors, f"{name}.{i}") for i, v in enumerate(value)]
        return {"tuple": items} if isinstance(value, tuple) else items
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return {"float": value.hex()}  # also infinite ones, and to the last digit
    raise TypeError(
        f"{name} is of type {type(value).__name__}: a state holds tensors, numbers, text, and lists of them"
    )


def unpacked(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The value that was packed."""
    if isinstance(value, list):
        return [unpacked(v, tensors) for v in value]
    if not isinstance(value, dict):
        return value
    ((kind, inner),) = value.items()
    if kind == "tensor":
        return tensors[inner]
    if kind == "dict":
        return {k: unpacked(v, tensors) for k, v in inner}
    return float.fromhex(inner) if kind == "float" else tuple(unpacked(v, tensors) for v in inner)


def random_state() -> dict[str, Any]:
    """Every random state of this process, as JSON knows it."""
    version, numbers, gauss = random.getstate()
    kind, keys, place, has_gauss, cached = np.random.get_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {
        "python": [version, list(numbers), gauss],
        "numpy": [kind, _text(np.asarray(keys)), place, has_gauss, cached],
        "torch": _text(torch.get_rng_state().numpy()),
        "cuda": [_text(s.numpy()) for s in cuda],
    }


def set_random_state(found: Mapping[str, Any]) -> None:
    """Put back what `random_state` gave; a GPU that was not there before gets the state of the first."""
    version, numbers, gauss = found["python"]
    random.setstate((version, tuple(numbers), gauss))
    kind, keys, place, has_gauss, cached = found["numpy"]
    np.random.set_state((kind, _bytes(keys, np.uint32), place, has_gauss, cached))
    torch.set_rng_state(torch.from_numpy(_bytes(found["torch"], np.uint8)))
    cuda = [torch.from_numpy(_bytes(s, np.uint8)) for s in found["cuda"]]
    if cuda and torch.cuda.is_available():
        for i in range(torch.cuda.device_count()):
            torch.cuda.set_rng_state(cuda[min(i, len(cuda) - 1)], i)


def _text(x: np.ndarray) -> str:
    return base64.b64encode(x.tobytes()).decode()


def _bytes(text: str, dtype: Any) -> np.ndarray:
    return np.frombuffer(bytearray(base64.b64decode(text)), dtype)
