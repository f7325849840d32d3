"""What the adapters of other people's weights share: tables of which tensor is called what.

An adapter says, for each tensor of ours, which tensors of theirs it is made of (`Entry`). The same table fills a
network and exports it: what one way permutes, the other permutes back, so a round trip changes no bit.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from likeness.diffusion.denoisers import Preconditioned
from likeness.diffusion.schedules import Schedule
from likeness.errors import InputError

State = Mapping[str, Tensor]


class Pretrained(NamedTuple):
    """A denoiser from elsewhere, with the levels it was trained on and the shape of its samples.

    The published samplers of images keep what it says in [−1, 1]: `denoisers.clamped(D)`.
    """

    D: Preconditioned
    schedule: Schedule
    event: tuple[int, ...]
    classes: int


class Entry(NamedTuple):
    """One tensor of ours, and what it is called and how it is ordered elsewhere."""

    ours: str
    theirs: tuple[str, ...]
    read: Callable[..., Tensor] = lambda x: x
    write: Callable[[Tensor], tuple[Tensor, ...]] = lambda x: (x,)


def layer(ours: str, theirs: str) -> list[Entry]:
    """A layer's weight and bias, as they are."""
    return [Entry(f"{ours}.{part}", (f"{theirs}.{part}",)) for part in ("weight", "bias")]


def permuted(entry: Entry, order: Callable[[Tensor], Tensor]) -> Entry:
    """The entry, whose rows ours has in another order: `order` takes theirs to ours."""

    def back(x: Tensor) -> tuple[Tensor, ...]:
        return entry.write(x[order(torch.arange(len(x), device=x.device)).argsort()])

    return entry._replace(read=lambda *theirs: order(entry.read(*theirs)), write=back)


def fill(net: nn.Module, entries: Iterable[Entry], state: State, source: str, ignored: Iterable[str] = ()) -> None:
    """Put their tensors into the network.

    Args:
        source: where they come from, for errors.
        ignored: tensors of theirs that ours does without.

    Raises:
        InputError: a tensor is missing, is not of the shape that this network has, or is not known.
    """
    own, entries = net.state_dict(), list(entries)
    known = {name for entry in entries for name in entry.theirs}
    if left := sorted(known - state.keys()):
        raise InputError(f"{source} has no tensor {left[0]}: it is of another architecture than it was taken for")
    if left := sorted(state.keys() - known - set(ignored)):
        raise InputError(f"{source} has a tensor {left[0]} that this network lacks: give the plan it was trained with")
    filled = {}
    for entry in entries:
        value, wanted = entry.read(*(state[name] for name in entry.theirs)), own[entry.ours].shape
        if value.numel() != wanted.numel() or [s for s in value.shape if s > 1] != [s for s in wanted if s > 1]:
            raise InputError(f"{source}: {entry.theirs[0]} has shape {tuple(value.shape)}, wanted {tuple(wanted)}")
        filled[entry.ours] = value.reshape(wanted)
    net.load_state_dict(filled, strict=True)


def exported(net: nn.Module, entries: Iterable[Entry]) -> dict[str, Tensor]:
    """The network's tensors under their names, in their order."""
    own = net.state_dict()
    return {
        name: part.detach().contiguous().clone()
        for entry in entries
        for name, part in zip(entry.theirs, entry.write(own[entry.ours]), strict=True)
    }


def same_groups(net: nn.Module, wanted: int | None = None) -> int:
    """The number of groups of all normalisations of a network.

    Raises:
        InputError: they differ, or are not as many as wanted, so that the tensors elsewhere would mean something else.
    """
    found = {part.num_groups for part in net.modules() if isinstance(part, nn.GroupNorm)}
    if len(found) > 1 or (wanted is not None and found != {wanted}):
        asked = f"all of {wanted}" if wanted else "the same number in all"
        raise InputError(f"groups of normalisation {sorted(found)}: {asked} can be exported; train with plan.groups")
    return found.pop()
