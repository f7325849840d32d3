"""What real processes do together: run as a script by torch's launcher, for `test_processes`.

Each task trains for some steps and the first process writes what came out, to be compared with one process alone.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Adam

from likeness.core import Method, Update, train
from likeness.data.batch import Batch
from likeness.diffusion.ddim import ddim
from likeness.diffusion.denoisers import PARAMETERISATIONS, Preconditioned
from likeness.diffusion.diffusion import Diffusion
from likeness.diffusion.schedules import cosine
from likeness.diffusion.transitions import learned
from likeness.gan import GAN, r1
from likeness.gan.penalties import Penalty
from likeness.gradients import full, is_sharded
from likeness.nn import MLP, VectorCritic, average, critic_for, generator_for
from likeness.nn.adm_unet import UNet
from likeness.ranks import noise_like, world
from likeness.run import snapshot, state
from likeness.run.learner import Learner
from likeness.run.processes import joined
from likeness.run.shard import shard

N = 12


class Denoiser(Method):
    """One loss."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 16), nn.SiLU(), nn.ModuleList([nn.Linear(16, 16)])[0], nn.Linear(16, 2))
        self.scale = nn.Parameter(torch.ones(()))

    def updates(self, batch: Batch) -> Iterator[Update]:
        noisy = batch.x + 0.3 * noise_like(batch.x)
        yield self, lambda: {"error": (self.scale * self.net(noisy) - batch.x).square().sum(1).mean()}


def batches(n: int, *event: int) -> Iterator[Batch]:
    """The rows of this process of batches that are the same for all."""
    g = torch.Generator().manual_seed(5)
    while True:
        x = torch.randn(n, *event, generator=g)
        part = world().part(n)
        yield Batch(x[part.start : part.start + part.n])


def one_loss() -> Learner:
    method = Denoiser()
    ema = average(method.net, 0.9)
    whole = nn.ModuleDict({"method": method, "average": ema})
    return Learner(method, Adam(method.parameters(), 1e-3), lambda: ema.update(method.net), whole)


def diffusion() -> Learner:
    """One loss of a network whose blocks hold lists of their own."""
    event, schedule = (1, 8, 8), cosine(20)
    F = UNet(event, outputs=2, width=8, multipliers=(1, 2), blocks=1, attention=(4,), head_channels=8)
    F.to(memory_format=torch.contiguous_format)
    D = Preconditioned(F, PARAMETERISATIONS["noise"], schedule.told, learned=True)
    given = {"rule": ddim(), "sigmas": schedule.levels(4), "bound": 0.001, "variance": learned}
    method, ema = Diffusion(D, schedule, event, **given), average(D, 0.9)
    whole = nn.ModuleDict({"method": method, "average": ema})
    return Learner(method, Adam(D.parameters(), 1e-3), lambda: ema.update(D), whole)


def game() -> Learner:
    gan = GAN(MLP(3, 2, width=16), VectorCritic(2, width=16), d_z=3, penalty=Penalty(r1, 0.1, 2))
    return _of(gan)


def images() -> Learner:
    event = (1, 8, 8)
    return _of(GAN(generator_for(event, d_z=4, width=4), critic_for(event, width=4, minibatch_std=True), d_z=4))


def _of(gan: GAN) -> Learner:
    ema = average(gan.G, 0.9)
    moves = {gan.D: Adam(gan.D.parameters(), 1e-3), gan.G: Adam(gan.G.parameters(), 1e-3)}
    return Learner(gan, moves, lambda: ema.update(gan.G), nn.ModuleDict({"method": gan, "average": ema}))


TASKS = {
    "one": (one_loss, (2,)),
    "game": (game, (2,)),
    "images": (images, (1, 8, 8)),
    "diffusion": (diffusion, (1, 8, 8)),
}


def trained(task: str, steps: int, folder: Path, options: set[str]) -> dict[str, Tensor]:
    """The tensors after some steps; with "save" the state is written at the end, with "load" it is begun from."""
    torch.manual_seed(0)
    build, event = TASKS[task]
    learner = build()
    if "shard" in options:
        shard(learner)
        assert any(map(is_sharded, learner.method.parameters()))
    feed, rows = batches(N, *event), 0
    if "load" in options:
        found, _ = state.newest(folder)
        assert found is not None
        snapshot.load(found, learner, {})
        rows = found.iteration
    for _ in range(rows):
        next(feed)
    for step in train(learner.method, feed, learner.optimisers):
        learner.after()
        if step.iteration == rows + steps:
            break
    if "save" in options:
        snapshot.save(folder, learner, {})
    return {k: full(v).detach().clone() for k, v in learner.state.state_dict().items()}


def main(specs: Sequence[str]) -> None:
    """Each is task:steps:folder:option,option,…"""
    torch.set_num_threads(1)
    with joined():
        for spec in specs:
            task, steps, folder, options = spec.split(":")
            place = Path(folder)
            place.mkdir(parents=True, exist_ok=True)
            found = trained(task, int(steps), place, set(options.split(",")))
            if world().rank == 0:
                save_file({k: v.contiguous() for k, v in found.items()}, place / "found.safetensors")


if __name__ == "__main__":
    main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # as `python -m likeness` does: threads of the process group may abort a process that ends around them
