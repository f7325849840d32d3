"""What refining an image GAN costs beyond the generator and critic passes that it needs.

Rejection sampling at 32×32 with the default budget, in blocks of 512, against the same number of passes of the same
networks on noise from torch. Small networks make this the hard case. The bar: at most 10 % more.
"""

import torch
from harness import record, side_by_side

from likeness.gan import GAN
from likeness.nn import critic_for, generator_for
from likeness.refine import rejection

EVENT, D_Z, BLOCK, WIDTH, DRAWS = (1, 32, 32), 64, 512, 16, 200


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    gan = GAN(generator_for(EVENT, d_z=D_Z, width=WIDTH), critic_for(EVENT, width=WIDTH), d_z=D_Z).eval()
    with torch.no_grad():  # a fresh critic says 0 everywhere: let it tell some images from others
        logits = gan.D(gan.sample(BLOCK, generator=0))
    refined = rejection(gan.sample, lambda x: 3 * (gan.D(x) - logits.mean()) / logits.std(), block=BLOCK)
    refined(DRAWS, generator=0)
    passes = refined.report().proposals // BLOCK

    def by_hand() -> None:
        with torch.no_grad():
            for _ in range(passes):
                gan.D(gan.G(torch.randn(BLOCK, D_Z)))

    times = side_by_side({"likeness.refine": lambda: refined(DRAWS, generator=0), "passes": by_hand}, rounds=15)
    record("refine", times, reference="passes", bar=1.10, better="lower")


if __name__ == "__main__":
    main()
