"""Discriminator guidance: what tells draws from data steers the next draws towards the data.

    log r(x, σ) = log p_data,σ(x) − log p_model,σ(x)                                                (1)
    minimised     E_data softplus(−log r(x + σ ε, σ)) + E_model softplus(log r(x + σ ε, σ)), halved (2)
    D'(x, σ)    = D(x, σ) + w σ² ∇ₓ log r(x, σ)                                                     (3)
    D'(x, σ)    = D(x, σ) + w σ² ∇ₓ log r(D(x, σ))  below a level, with a ratio of samples without noise   (4)

The logit of the discriminator that minimises (2) is the log ratio, and with the true one and w = 1, (3) is the denoiser
of the data, whatever the model is. (4) takes the ratio that refines any sampler's draws (`refine.DensityRatio`): where
there is little noise, what it says of D(x, σ) is nearly what (1) says of x.

Dongjun Kim, Yeongmin Kim, Se Jung Kwon, Wanmo Kang, Il-Chul Moon. Refining Generative Process with Discriminator
Guidance in Score-based Diffusion Models. 2023. https://arxiv.org/abs/2211.17091
"""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from likeness.core import Method, Update
from likeness.diffusion.denoisers import Denoiser, Function, alpha, over
from likeness.diffusion.guidance_interval import within
from likeness.diffusion.schedules import Schedule
from likeness.diffusion.steering import LogDensity, Posterior, guided
from likeness.errors import InputError
from likeness.nn.modes import evaluating
from likeness.ranks import noise_like, per_sample
from likeness.refine.calibration import log_loss


class NoisyRatio(Method):
    """log r of (1), learned from batches (real, generated) of as many samples each.

    Args:
        F: the network, (n, *event), t (n,) → logits (n,) or (n, 1), positive for real.
        schedule: that of the diffusion model.
        c_in: what the network's input is multiplied by, a function of σ.
    """

    def __init__(self, F: nn.Module, schedule: Schedule, *, c_in: Function = alpha) -> None:
        super().__init__()
        self.F, self.schedule, self.c_in = F, schedule, c_in

    def updates(self, batch: tuple[Tensor, Tensor]) -> Iterator[Update]:
        """Raises InputError for parts of another size."""
        real, fake = batch
        if len(real) != len(fake):
            raise InputError(f"{len(real)} real and {len(fake)} generated samples: give as many of each")
        u = per_sample(len(real), lambda n: torch.rand(n, device=real.device))
        sigma = self.schedule.trained(u)
        real, fake = (x + over(sigma, x) * noise_like(x) for x in (real, fake))
        yield self, lambda: {"log_loss": log_loss(self.logit(real, sigma), self.logit(fake, sigma))}  # (2)

    def logit(self, x: Float[Tensor, " n *event"], sigma: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        return self.F(over(self.c_in(sigma), x) * x, self.schedule.told(sigma).to(x.dtype)).reshape(len(x))

    def log_ratio(self, x: Float[Tensor, " n *event"], sigma: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """log r(x, σ) in nats, in evaluation mode; gradients reach x."""
        with evaluating(self.F):
            return self.logit(x, sigma)  # (1)


def discriminator_guided(D: Denoiser, log_ratio: LogDensity, weight: float = 1.0) -> Denoiser:
    """The denoiser, steered by log r(x, σ) of noisy samples, such as `NoisyRatio.log_ratio`."""
    return guided(D, log_ratio, weight)  # (3)


def ratio_guided(D: Denoiser, ratio: Callable[[Tensor], Tensor], weight: float = 1.0, *, below: float) -> Denoiser:
    """The denoiser, steered at levels up to `below` by a log ratio (n,) of samples without noise.

    Raises:
        InputError: the level is not above zero.
    """
    return within(Posterior(D, lambda x0, sigma: ratio(x0), weight), D, high=below)  # (4)
