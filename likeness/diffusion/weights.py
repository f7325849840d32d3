"""Loss weights: how much the squared error of a denoiser counts at each noise level.

What is minimised is the mean over levels, samples and dimensions of  w(σ) ‖D(x₀ + σ ε, σ) − x₀‖²:

    noise        1/σ²                     the squared error of ε, DDPM's simple loss                (1)
    x0           1
    v            (1 + σ²)/σ²              that of v
    velocity     (1 + σ)²/σ²              that of u: flow matching
    edm          (s² + σ²)/(s σ)²         that of EDM's network; s: the deviation of data
    min-snr      min(1/σ², γ)             SNR = 1/σ²                                                (2)
    vlb          T/2 (1/σ'² − 1/σ²)       T terms of the variational bound, σ' the level below σ    (3)

A network F is held to its own target F*, where a difference of nearly equal numbers cannot spoil the result:

    D = c_skip x + c_out F  ⟹  w ‖D − x₀‖² = w c_out² ‖F − F*‖²,   F* = ((1 − c_skip) x₀ − c_skip σ ε)/c_out   (4)

(1) Jonathan Ho, Ajay Jain, Pieter Abbeel. Denoising Diffusion Probabilistic Models. 2020.
    https://arxiv.org/abs/2006.11239
(2) Tiankai Hang et al. Efficient Diffusion Training via Min-SNR Weighting Strategy. 2023.
    https://arxiv.org/abs/2303.09556
(3) Diederik P. Kingma, Tim Salimans, Ben Poole, Jonathan Ho. Variational Diffusion Models. 2021.
    https://arxiv.org/abs/2107.00630
(4) Tero Karras, Miika Aittala, Timo Aila, Samuli Laine. Elucidating the Design Space of Diffusion-Based Generative
    Models. 2022. https://arxiv.org/abs/2206.00364
"""

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.diffusion.denoisers import Function, Parameterisation, over
from likeness.diffusion.schedules import Discrete
from likeness.diffusion.transitions import transitions
from likeness.errors import InputError


def inverse_square(sigma: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    return sigma.square().reciprocal()  # (1)


def edm(sigma_data: float = 0.5) -> Function:
    """Raises InputError where the deviation is not above zero."""
    if not sigma_data > 0:
        raise InputError(f"sigma_data {sigma_data:g}: the standard deviation of data is above zero")
    return lambda sigma: sigma.square().reciprocal() + 1 / sigma_data**2


def min_snr(gamma: float = 5.0) -> Function:
    """Raises InputError where the cap is not above zero."""
    if not gamma > 0:
        raise InputError(f"gamma {gamma:g}: the highest weight is above zero, such as 5")
    return lambda sigma: sigma.square().reciprocal().clamp(max=gamma)  # (2)


def vlb(schedule: Discrete) -> Function:
    """Of the levels of a schedule, for variances that are not learned.

    The lowest level has none below it, and the Gaussian of a step from it the published variance.
    """
    step = transitions(schedule.levels(schedule.T))
    weight = schedule.T / 2 * (step.to.square().reciprocal() - step.sigma.square().reciprocal())  # (3)
    weight[-1] = schedule.T / 2 * (-step.log_small[-1]).exp()
    rising = weight.flip(0)

    def at(sigma: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        middle = (schedule.sigmas[1:] * schedule.sigmas[:-1]).sqrt().to(sigma)
        return rising.to(sigma)[torch.searchsorted(middle, sigma)]

    return at


WEIGHTS: dict[str, Function] = {
    "noise": inverse_square,
    "x0": torch.ones_like,
    "v": lambda sigma: 1 + sigma.square().reciprocal(),
    "velocity": lambda sigma: (1 + sigma).square() / sigma.square(),
    "edm": edm(),
    "min-snr": min_snr(),
}


def target(
    asked: Parameterisation, x0: Float[Tensor, " n *event"], noise: Float[Tensor, " n *event"], sigma: Tensor
) -> Float[Tensor, " n *event"]:
    """What a network should predict at x₀ + σ ε: F*."""
    skip, out = asked.c_skip(sigma), asked.c_out(sigma)
    return over((1 - skip) / out, x0) * x0 - over(skip * sigma / out, x0) * noise  # (4)


def weighted(
    weight: Function, asked: Parameterisation, F: Tensor, wanted: Tensor, sigma: Float[Tensor, " n"]
) -> Float[Tensor, " n"]:
    """w(σ) ‖D − x₀‖², the mean over a sample's dimensions, of what a network predicted and what was wanted."""
    share = weight(sigma) * asked.c_out(sigma).square()
    return share.to(F.dtype) * (F - wanted).square().flatten(1).mean(1)  # (4)
