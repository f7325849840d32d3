"""Parameters shared out among processes (torch's `fully_shard`), for methods with one loss.

Each process holds a part of every parameter, of its gradient and of what the optimiser keeps of it; a layer is put
together when it is needed. A method with several players, or one that differentiates through an update, needs whole
parameters: it is replicated.

Yanli Zhao et al. PyTorch FSDP: Experiences on Scaling Fully Sharded Data Parallel. 2023.
https://arxiv.org/abs/2304.11277
"""

from torch import nn
from torch.optim import Optimizer

from likeness.errors import InputError
from likeness.ranks import world
from likeness.run.learner import Learner


def shard(learner: Learner) -> None:
    """Shard every network of the learner's state, in place, and give the optimiser the sharded parameters.

    Raises:
        InputError: there is one process only, or the method has several players.
    """
    optimiser = learner.optimisers
    if not isinstance(optimiser, Optimizer) and len(optimiser) > 1:
        players = ", ".join(type(player).__name__ for player in optimiser)
        raise InputError(f"--shard: {type(learner.method).__name__} trains several players ({players}); leave it out")
    if world().size == 1:
        raise InputError("--shard shares parameters out among processes and there is one: give --processes 2 or more")
    one = optimiser if isinstance(optimiser, Optimizer) else next(iter(optimiser.values()))
    names = {id(p): name for name, p in learner.state.named_parameters()}
    for network in networks(learner.state):
        _shard(network)
    sharded = dict(learner.state.named_parameters())
    for group in one.param_groups:
        group["params"] = [sharded[names[id(p)]] for p in group["params"]]


def networks(module: nn.Module) -> list[nn.Module]:
    """The outermost modules that are called: what has a forward of its own."""
    found = []
    for child in module.children():
        called = type(child).forward is not nn.Module.forward and not isinstance(child, nn.ModuleList | nn.ModuleDict)
        found += [child] if called else networks(child)
    return [m for m in found if any(True for _ in m.parameters())]


def _shard(network: nn.Module) -> None:
    """Each block of a list of blocks apart, so that only one of them is whole at a time; then the rest."""
    from torch.distributed.fsdp import fully_shard

    inner_first = reversed(list(network.modules()))  # what lies in a block is cut before the block
    blocks = [b for m in inner_first if isinstance(m, nn.ModuleList) for b in m]
    for part in (*blocks, network):
        fully_shard(part)
