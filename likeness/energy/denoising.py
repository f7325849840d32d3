"""Denoising score matching: the score of data with noise, learned by pointing back to where the noise came from.

    x̃ = x + σ ε,   ε ~ N(0, I)                                                                      (1)
    D(s) = ½ E ‖s(x̃) + ε/σ‖²  =  ½ E ‖s(x̃) − ∇ log p_σ(x̃)‖² + const                                 (2)
    σ² D(s) = ½ E ‖σ s(x̃) + ε‖²                              the noise itself is predicted           (3)
    const = ½ (d/σ² − E ‖∇ log p_σ(x̃)‖²)                                                             (4)

No derivative of s is needed. What is learned is the score of p_σ and not of the data: a bias that grows with σ. As σ
falls, −ε/σ has ever more variance; (3) has the same everywhere.

Pascal Vincent. A Connection Between Score Matching and Denoising Autoencoders. 2011.
https://doi.org/10.1162/NECO_a_00142
"""

from jaxtyping import Float
from torch import Tensor

from likeness.energy.score_matching import Objective, Score
from likeness.errors import InputError
from likeness.ranks import noise_like


def wide(sigma: float | Float[Tensor, " n"], x: Tensor) -> float | Tensor:
    """A noise level, or one for each sample, in the shape that multiplies samples."""
    return sigma.to(x.dtype).view(-1, *[1] * (x.ndim - 1)) if isinstance(sigma, Tensor) else sigma


def noise_prediction(
    s: Score, x: Float[Tensor, " n *event"], noise: Float[Tensor, " n *event"], sigma: float | Float[Tensor, " n"]
) -> Float[Tensor, " n"]:
    """½ ‖σ s(x̃) + ε‖², (2) with the weight σ²: what `s` says of x̃ is of its noise level, if there are several."""
    level = wide(sigma, x)
    return (level * s(x + level * noise) + noise).flatten(1).square().sum(1) / 2  # (1), (3)


def denoised(
    s: Score, x: Float[Tensor, " n *event"], noise: Float[Tensor, " n *event"], sigma: float | Float[Tensor, " n"]
) -> Float[Tensor, " n"]:
    """½ ‖s(x̃) + ε/σ‖² as Vincent has it."""
    return noise_prediction(s, x, noise, sigma) / sigma**2  # (2)


def missing(true: Float[Tensor, " n *event"], sigma: float) -> Float[Tensor, " n"]:
    """What (2) lies above the Fisher divergence of the noisy density, by that density's score at noisy samples."""
    return (true[0].numel() / sigma**2 - true.flatten(1).square().sum(1)) / 2  # (4)


def denoising(sigma: float, *, weighted: bool = True) -> Objective:
    """The objective at one noise level, with the weight σ² or without.

    Raises:
        InputError: σ is not above zero.
    """
    if not sigma > 0:
        raise InputError(f"sigma {sigma:g}: noise to be removed has a standard deviation above zero")
    form = noise_prediction if weighted else denoised
    return lambda s, x: form(s, x, noise_like(x), sigma)
