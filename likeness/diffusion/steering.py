"""Guidance: a denoiser steered by the gradient of any differentiable log density of a condition.

By Bayes' rule the law of noisy samples under a condition c, its likelihood raised to a power s, has the score

    ∇ₓ log p_σ(x) p(c|x)ˢ = ∇ₓ log p_σ(x) + s ∇ₓ log p(c|x)                                         (1)
    D'(x, σ) = D(x, σ) + s σ² ∇ₓ log p(c|x)                                                         (2)

and D' is the denoiser of that score. Where s ≠ 1, (1) is not the score of any one law with noise added at every level:
draws follow p(x) p(c|x)ˢ only in so far as the powers of levels hang together. A rule that knows the variance Σ of its
step may instead add Σ s ∇ₓ log p(c|x) to its mean (`pushed`).

Jascha Sohl-Dickstein et al. Deep Unsupervised Learning using Nonequilibrium Thermodynamics. 2015.
https://arxiv.org/abs/1503.03585
Prafulla Dhariwal, Alex Nichol. Diffusion Models Beat GANs on Image Synthesis. 2021. https://arxiv.org/abs/2105.05233
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from likeness.diffusion.denoisers import Denoiser, Prediction, over, predict
from likeness.errors import InputError

LogDensity = Callable[[Tensor, Tensor], Tensor]  # noisy x (n, *event), σ (n,) to log p(c|x) (n,), differentiable in x


class Guided:
    """D'(x, σ) of (2): guidance within E[x₀ | x], for any rule."""

    def __init__(self, D: Denoiser, log_p: LogDensity, scale: float) -> None:
        self.D, self.log_p, self.scale = D, log_p, scale

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        return self.D(x, sigma) + self._shift(x, sigma)

    def predict(self, x: Tensor, sigma: Tensor) -> Prediction:
        found = predict(self.D, x, sigma)
        return found._replace(x0=found.x0 + self._shift(x, sigma))

    def _shift(self, x: Tensor, sigma: Tensor) -> Tensor:
        return self.scale * over(sigma, x).square() * slope(self.log_p, x, sigma)  # (2)


class Pushed:
    """The same where it is called; a rule that asks for a prediction gets the gradient apart from E[x₀ | x]."""

    def __init__(self, D: Denoiser, log_p: LogDensity, scale: float) -> None:
        self.D, self.log_p, self.scale = D, log_p, scale

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        return self.D(x, sigma) + over(sigma, x).square() * self._push(x, sigma)

    def predict(self, x: Tensor, sigma: Tensor) -> Prediction:
        found, push = predict(self.D, x, sigma), self._push(x, sigma)
        return found._replace(push=push if found.push is None else found.push + push)

    def _push(self, x: Tensor, sigma: Tensor) -> Tensor:
        return self.scale * slope(self.log_p, x, sigma)  # (1)


class Posterior:
    """D'(x, σ) of (2) for a log density of E[x₀ | x]: the gradient goes through D, which is evaluated once."""

    def __init__(self, D: Denoiser, log_p: LogDensity, scale: float) -> None:
        self.D, self.log_p, self.scale = D, log_p, scale

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        return self.predict(x, sigma).x0

    def predict(self, x: Tensor, sigma: Tensor) -> Prediction:
        found: list[Prediction] = []

        def log_p(x: Tensor, sigma: Tensor) -> Tensor:
            found.append(predict(self.D, x, sigma))
            return self.log_p(found[0].x0, sigma)

        shift = self.scale * over(sigma, x).square() * slope(log_p, x, sigma)  # (2)
        told = every(Tensor.detach, found[0])
        return told._replace(x0=told.x0 + shift)


def guided(D: Denoiser, log_p: LogDensity, scale: float = 1.0) -> Denoiser:
    """The denoiser, steered by `scale` times the gradient of `log_p`; at zero, as it is."""
    return Guided(D, log_p, scale) if scale else D


def pushed(D: Denoiser, log_p: LogDensity, scale: float = 1.0) -> Denoiser:
    """The denoiser, whose rule is to move its steps by `scale` times their variance times the gradient of `log_p`."""
    return Pushed(D, log_p, scale) if scale else D


def extrapolated(away: Prediction, towards: Prediction, scale: float) -> Prediction:
    """From one prediction (0) to another (1) and beyond it, with all else as the other one says."""
    return towards._replace(x0=torch.lerp(away.x0, towards.x0, scale))


def slope(log_p: LogDensity, x: Float[Tensor, " n *event"], sigma: Float[Tensor, " n"]) -> Float[Tensor, " n *event"]:
    """∇ₓ log p(c|x) of each sample, also where the caller computes without gradients.

    Raises:
        InputError: the log density is not one number a sample.
    """
    with torch.inference_mode(False), torch.enable_grad():
        x, sigma = x.detach().clone().requires_grad_(), sigma.detach().clone()
        value = log_p(x, sigma)
        if value.shape != x.shape[:1]:
            raise InputError(
                f"guidance by a log density of shape {tuple(value.shape)} for {len(x)} samples: give one number each"
            )
        return torch.autograd.grad(value.sum(), x)[0]


def every(function: Callable[[Tensor], Tensor], found: Prediction) -> Prediction:
    """A function of all that a prediction holds."""
    v, push = (None if part is None else function(part) for part in (found.v, found.push))
    return Prediction(function(found.x0), v, push)


def unknown_variance(sigma: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """σ²/(1 + σ²): the variance of x₀ given x where x₀ is a standard normal."""
    return sigma.square() / (1 + sigma.square())


def alike(y: Tensor, seen: Tensor) -> Tensor:
    """A measurement for each sample, from one for each or one for all.

    Raises:
        InputError: it has another shape than what is measured of the samples.
    """
    if y.shape[1:] != seen.shape[1:] or len(y) not in (1, len(seen)):
        raise InputError(
            f"y has shape {tuple(y.shape)}, A gives {tuple(seen.shape)}: give one measurement a sample, or one for all"
        )
    return y.expand_as(seen)


def labels_of(y: Int[Tensor, " n"] | None, classes: int) -> Int[Tensor, " n"]:
    """The labels to steer to. Raises InputError where there are none, or one is not in 0 … `classes` − 1."""
    if y is None:
        raise InputError("guidance by class needs labels and none were given: give y, one class a sample")
    if len(y) and not 0 <= int(y.min()) <= int(y.max()) < classes:
        wrong = int(y.min()) if int(y.min()) < 0 else int(y.max())
        raise InputError(f"class {wrong}: this model knows {classes} classes, give labels 0 to {classes - 1}")
    return y
