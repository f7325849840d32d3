"""What a step of an image GAN costs: `train`'s step of `GAN` against the same step written by hand.

The same networks, batch and optimisers; interleaved, medians. The bar: at most 2 % more.
"""

import torch
from harness import record, side_by_side
from torch.nn.functional import softplus
from torch.optim import Adam

from likeness.core import learn
from likeness.data.batch import Batch
from likeness.gan import GAN
from likeness.nn import critic_for, generator_for

EVENT, D_Z, N, WIDTH = (1, 32, 32), 64, 64, 16


def players() -> tuple[torch.nn.Module, torch.nn.Module, Adam, Adam]:
    torch.manual_seed(0)
    G, D = generator_for(EVENT, d_z=D_Z, width=WIDTH), critic_for(EVENT, width=WIDTH)
    return G, D, Adam(G.parameters(), 2e-4, (0.5, 0.999)), Adam(D.parameters(), 2e-4, (0.5, 0.999))


def main() -> None:
    torch.set_num_threads(1)
    x = torch.rand(N, *EVENT) * 2 - 1
    G, D, move_G, move_D = players()
    G2, D2, move_G2, move_D2 = players()
    gan = GAN(G2, D2, d_z=D_Z).train()

    def by_hand() -> None:
        with torch.no_grad():
            fake = G(torch.randn(N, D_Z))
        move_D.zero_grad()
        (softplus(-D(x)) + softplus(D(fake))).mean().backward()
        move_D.step()
        D.requires_grad_(False)
        move_G.zero_grad()
        softplus(-D(G(torch.randn(N, D_Z)))).mean().backward()
        move_G.step()
        D.requires_grad_(True)

    def ours() -> None:
        learn(gan, Batch(x), {gan.G: move_G2, gan.D: move_D2})

    times = side_by_side({"likeness.gan": ours, "by hand": by_hand}, rounds=200)
    record("gan_step", times, reference="by hand", bar=1.02, better="lower")


if __name__ == "__main__":
    main()
