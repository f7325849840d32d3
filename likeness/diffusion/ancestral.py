"""Denoising diffusion probabilistic models: every step down is a draw from a Gaussian.

From level σ to level σ', with x̂₀ = D(x, σ) and Σ one of the variances of `transitions`, "small", "large" or learned:

    x' = x̂₀ + (σ'/σ)² (x − x̂₀) + √Σ z,   z ~ N(0, I), none in the last step                         (1)

Where a classifier's gradient g = s ∇ₓ log p(y|x) comes along (`Prediction.push`), the mean moves by Σ g, both in the
unit of the paper, x_t = α_t x with α_t = 1/√(1 + σ²), which beside unscaled data is

    + √((1 + σ²)/(1 + σ'²)) Σ g                                                                      (2)

Jonathan Ho, Ajay Jain, Pieter Abbeel. Denoising Diffusion Probabilistic Models. 2020. https://arxiv.org/abs/2006.11239
(2) Prafulla Dhariwal, Alex Nichol. Diffusion Models Beat GANs on Image Synthesis. 2021, algorithm 1.
    https://arxiv.org/abs/2105.05233
"""

from collections.abc import Iterator

from jaxtyping import Float
from torch import Tensor

from likeness.diffusion.denoisers import Denoiser, over, predict
from likeness.diffusion.sampler import Noise, Rule, at
from likeness.diffusion.transitions import Variance, posterior_mean, small, transitions


def ancestral(variance: Variance = small) -> Rule:
    """The rule with these variances; `learned` wants a denoiser that predicts them."""

    def rule(D: Denoiser, x: Tensor, sigmas: Float[Tensor, " levels"], noise: Noise) -> Iterator[Tensor]:
        steps = transitions(sigmas)
        for i in range(len(steps.to)):
            step = steps.at(slice(i, i + 1))
            found = predict(D, x, at(step.sigma, x))
            log_variance = variance(step, x, found.v)
            x = posterior_mean(step, found.x0, x)
            if found.push is not None:
                unit = ((1 + step.sigma.square()) / (1 + step.to.square())).sqrt()
                x = x + over(unit, x) * log_variance.exp() * found.push  # (2)
            if step.to > 0:
                x = x + (log_variance / 2).exp() * noise()  # (1)
            yield x

    return rule
