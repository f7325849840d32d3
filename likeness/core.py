"""What a method is, and the one loop that trains all of them.

A method says whose parameters move and what they minimise, in the paper's order; the library owns the
backward pass, the step and the count.

    class GAN(Method):
        def updates(self, batch):
            z = torch.randn(len(batch.x), self.d_z)
            fake = self.G(z)
            yield self.D, lambda: {"critic": ...}
            yield self.G, lambda: {"generator": ...}     # asked for after D has moved

Two rules make `detach`, `zero_grad` and `requires_grad_(False)` unnecessary in a method file:

- The body of `updates` runs without gradients, so what it computes (`fake` above) is a constant. An
  objective runs with gradients. Code in the body after a `yield` sees the parameters already moved, which
  is the place for clipped weights, queues and teachers.
- Only the parameters of the yielded module receive a gradient; only they move.

An objective is a closure because `Optimizer.step(closure)` is PyTorch's own protocol: an optimiser that
needs the loss twice (SAM, L-BFGS) is no special case. Every evaluation within one step sees the same random
numbers. Inner updates are differentiated with `torch.func`, whose gradients need no `requires_grad`.

A batch may be learned from in parts: by several processes, or piece by piece where its activations are too large
for the memory (`accumulate`). Either way the step is that of the whole batch; `ranks` says how.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import reduce
from operator import add
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from likeness import ranks
from likeness.errors import InputError
from likeness.gradients import is_sharded, reduce_gradients
from likeness.subnormals import flushed

Terms = dict[str, Tensor]  # named scalars; their sum is minimised, each one is logged
Update = tuple[nn.Module, Callable[[], Terms]]
Optimisers = Optimizer | Mapping[nn.Module, Optimizer]


class Method(nn.Module):
    """Something that trains. `iteration` counts the batches it has learned from, and is part of its state."""

    iteration: int = 0

    def updates(self, batch: Any) -> Iterator[Update]:
        """Yield each player with its objective, in the order in which they move."""
        raise NotImplementedError(f"{type(self).__name__} must say what it trains: write updates(batch)")

    def get_extra_state(self) -> Tensor:
        return torch.tensor(self.iteration)

    def set_extra_state(self, state: Tensor) -> None:
        self.iteration = int(state)


class Step(NamedTuple):
    """One batch learned from: the count so far, the terms (detached, on their device) and the batch."""

    iteration: int
    terms: Terms
    batch: Any


def train(
    method: Method,
    batches: Iterable[Any],
    optimisers: Optimisers,
    *,
    gradients: Callable[[nn.Module], object] | None = None,
    accumulate: int = 1,
) -> Iterator[Step]:
    """Learn from each batch in turn; logging, averaging, judging and stopping are the caller's loop body.

    Args:
        method: what is trained, already on its device.
        batches: any iterable; the loop ends with it. Several processes each get their part of every batch.
        optimisers: one optimiser a player, keyed by the module; or a single one for all of them.
        gradients: called with the player after each backward pass and before it moves (clip, watch).
        accumulate: pieces that a batch is cut into, to need less memory.

    Raises:
        InputError: a player has no optimiser, or its objective does not depend on its parameters.
    """
    method.train()
    with flushed():
        for batch in batches:
            terms = learn(method, batch, optimisers, gradients, accumulate)
            yield Step(method.iteration, terms, batch)


def learn(
    method: Method,
    batch: Any,
    optimisers: Optimisers,
    gradients: Callable[[nn.Module], object] | None = None,
    accumulate: int = 1,
) -> Terms:
    """One step of `train`: move every player once, in the method's order; the terms of all of them."""
    terms: Terms = {}
    with torch.no_grad():
        for player, objectives in _turns(method, ranks.pieces(batch, accumulate)):
            new = _minimise(player, objectives, _optimiser(optimisers, player), gradients)
            if clash := terms.keys() & new.keys():
                raise InputError(f"two players both name a term {sorted(clash)[0]!r}: give each its own name")
            terms |= new
    method.iteration += 1
    return terms


Objectives = list[tuple[ranks.Part | None, Callable[[], Terms]]]


def _turns(method: Method, pieces: list[ranks.Piece]) -> Iterator[tuple[nn.Module, Objectives]]:
    """Each player with its objective on every piece; the body of `updates` runs for all pieces side by side."""
    running = [(part, method.updates(batch)) for part, batch in pieces]
    while True:
        again, found = (_replay(method) if len(running) > 1 else lambda: None), []
        for i, (part, updates) in enumerate(running):
            if i:
                again()
            with ranks.holding(part):
                found.append(next(updates, None))
        if found[0] is None:
            return
        yield found[0][0], [(part, update[1]) for (part, _), update in zip(running, found) if update is not None]


def _minimise(
    player: nn.Module,
    objectives: Objectives,
    optimiser: Optimizer,
    gradients: Callable[[nn.Module], object] | None,
) -> Terms:
    moving = [p for p in player.parameters() if p.requires_grad]
    seen: list[Terms] = []
    again = _replay(player)

    def closure() -> Tensor:
        optimiser.zero_grad()
        terms: Terms = {}
        for i, (part, objective) in enumerate(objectives):
            if i or seen:  # evaluated again within this step: the same random numbers as the first time
                again()
            with torch.enable_grad(), ranks.holding(part):
                for name, term in _descend(objective(), part, moving).items():
                    terms[name] = terms[name] + term if name in terms else term
        if ranks.world().size > 1:
            reduce_gradients(moving)
        if gradients is not None:
            gradients(player)
        seen.append(terms)
        return reduce(add, terms.values())

    optimiser.step(closure)  # type: ignore[arg-type]
    return seen[0]


def _descend(terms: Terms, part: ranks.Part | None, moving: list[nn.Parameter]) -> Terms:
    """Add the gradient of this part's share of the loss; its share of the terms."""
    loss = reduce(add, terms.values()) if terms else torch.zeros(())
    if not loss.requires_grad:
        raise InputError(f"the terms {list(terms)} do not depend on any parameter of the player they train")
    size = ranks.world().size
    sharded = size > 1 and any(map(is_sharded, moving))  # backward reaches other tensors then, and takes their means
    share = 1.0 if part is None else part.weight * (size if sharded else 1)
    (loss if part is None else loss * share).backward(inputs=None if sharded else moving)
    return {name: term.detach() if part is None else term.detach() * part.weight for name, term in terms.items()}


def _replay(module: nn.Module) -> Callable[[], None]:
    """What puts the random state back to where it is now."""
    params = module.parameters() if torch.cuda.is_initialized() else ()  # to walk through all of them takes its time
    devices = {p.device for p in params if p.device.type == "cuda"}
    here, there = torch.get_rng_state(), [(torch.cuda.get_rng_state(d), d) for d in devices]

    def again() -> None:
        torch.set_rng_state(here)
        for state, device in there:
            torch.cuda.set_rng_state(state, device)

    return again


def _optimiser(optimisers: Optimisers, player: nn.Module) -> Optimizer:
    if isinstance(optimisers, Optimizer):
        return optimisers
    if player not in optimisers:
        raise InputError(
            f"no optimiser for the player {type(player).__name__}: "
            f"optimisers were given for {[type(m).__name__ for m in optimisers]}"
        )
    return optimisers[player]
