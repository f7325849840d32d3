"""Annealed Langevin dynamics: chains that walk over data with much noise first, and with ever less.

    α_i = ε σ_i² / σ_L²;   x ← x + (α_i/2) s(x, σ_i) + √α_i ξ,   T times at every level σ₁ > … > σ_L    (1)
    x ← x + σ_L² s(x, σ_L)                                                                          (2)

With much noise modes run into each other, so chains cross between them while it costs nothing. The last step (2) takes
away the noise that is left, by Tweedie's formula.

Yang Song, Stefano Ermon. Generative Modeling by Estimating Gradients of the Data Distribution. 2019.
https://arxiv.org/abs/1907.05600
(2) Alexia Jolicoeur-Martineau et al. Adversarial score matching and improved sampling for image generation. 2020.
    https://arxiv.org/abs/2009.05475
"""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.chains.langevin import unadjusted
from likeness.errors import InputError
from likeness.sampling import Streams

NoisyScore = Callable[[Tensor, Tensor], Tensor]  # x (m, *event) and its noise levels σ (m,) to the score there


@torch.no_grad()
def annealed_langevin(
    score: NoisyScore,
    x: Float[Tensor, "m ..."],
    sigmas: Float[Tensor, " levels"],
    *,
    steps: int,
    eps: float,
    source: Streams,
    denoise: bool = True,
) -> Iterator[Float[Tensor, "m ..."]]:
    """The states of the chains, `steps` at each level, and after them the state (2) where it is asked for.

    Raises:
        InputError: the levels do not fall or reach zero, or steps of this size make a chain explode.
    """
    if not len(sigmas) or not (sigmas[1:] < sigmas[:-1]).all() or not sigmas[-1] > 0:
        raise InputError(f"levels {sigmas.tolist()}: chains are annealed over levels that fall and stay above zero")
    final = float(sigmas[-1])
    for sigma in map(float, sigmas):
        level, alpha = torch.full((len(x),), sigma, dtype=x.dtype, device=x.device), eps * (sigma / final) ** 2
        there = partial(_at, score, level)
        for state in unadjusted(there, x, steps=steps, step_size=alpha, source=source):  # (1)
            x = state
            yield x
    if denoise:
        yield x + final**2 * score(x, level)  # (2)


def _at(score: NoisyScore, level: Tensor, x: Tensor) -> Tensor:
    return score(x, level)
