"""Denoisers, and the five things that a network may be asked for instead.

Inside there is one convention: a noisy sample is x = x₀ + σ ε with ε ~ N(0, I), and a denoiser is

    D(x, σ) = E[x₀ | x],   ∇ₓ log p_σ(x) = (D(x, σ) − x) / σ²                                      (1)

Whatever else a paper diffuses with is the same thing in another unit: its x_t = α_t x₀ + α_t σ ε is α_t x. A network
F sees x in the unit that it was trained in, and a noise level as its schedule tells it:

    D(x, σ) = c_skip(σ) x + c_out(σ) F(c_in(σ) x, told(σ))                                          (2)

    F predicts     c_in             c_skip             c_out
    noise ε        α                1                  −σ                    α = 1/√(1 + σ²)        DDPM
    x₀             α                0                  1
    v = αε − ασx₀  α                α²                 −σα                                          distillation
    F of EDM       1/√(s² + σ²)     s²/(s² + σ²)       σ s/√(s² + σ²)        s: the data's σ        EDM
    u = ε − x₀     1/(1 + σ)        1/(1 + σ)          −σ/(1 + σ)            t = σ/(1 + σ)          flow matching
    score          α                1                  σ²                                           score matching

(1) Pascal Vincent. A Connection Between Score Matching and Denoising Autoencoders. 2011.
    https://doi.org/10.1162/NECO_a_00142
(2) Tero Karras, Miika Aittala, Timo Aila, Samuli Laine. Elucidating the Design Space of Diffusion-Based Generative
    Models. 2022. https://arxiv.org/abs/2206.00364
Jonathan Ho, Ajay Jain, Pieter Abbeel. Denoising Diffusion Probabilistic Models. 2020. https://arxiv.org/abs/2006.11239
Tim Salimans, Jonathan Ho. Progressive Distillation for Fast Sampling. 2022. https://arxiv.org/abs/2202.00512
Yaron Lipman et al. Flow Matching for Generative Modeling. 2022. https://arxiv.org/abs/2210.02747
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from likeness.errors import InputError

Denoiser = Callable[[Tensor, Tensor], Tensor]  # x (n, *event), σ (n,) to E[x₀ | x]
Function = Callable[[Tensor], Tensor]  # of the noise level


class Prediction(NamedTuple):
    """What a network says of noisy samples: E[x₀ | x], and where it learned them, the variances of a step down.

    `v` lies in [0, 1] where the step's variance is between the posterior's (0) and the forward step's (1), in logs.
    `push` is a gradient ∇ₓ s log p(y|x) that `x0` does not hold yet: the rule that knows its step's variance Σ moves
    the step by Σ push. Who only calls the denoiser gets x₀ + σ² push.
    """

    x0: Float[Tensor, " n *event"]
    v: Float[Tensor, " n *event"] | None = None
    push: Float[Tensor, " n *event"] | None = None


class Parameterisation(NamedTuple):
    """What a network predicts: a row of the table above."""

    c_in: Function
    c_skip: Function
    c_out: Function

    def denoised(self, F: Tensor, x: Tensor, sigma: Float[Tensor, " n"]) -> Tensor:
        """E[x₀ | x] from what the network predicted."""
        return over(self.c_skip(sigma), x) * x + over(self.c_out(sigma), x) * F  # (2)

    def predicted(self, x0: Tensor, x: Tensor, sigma: Float[Tensor, " n"]) -> Tensor:
        """What the network would have to predict for this E[x₀ | x]: the other way round."""
        return (x0 - over(self.c_skip(sigma), x) * x) / over(self.c_out(sigma), x)


def over(value: Float[Tensor, " n"], x: Tensor) -> Tensor:
    """One number a sample, in the shape that multiplies samples, in their precision and where they are."""
    return value.to(x).view(-1, *[1] * (x.ndim - 1))


def alpha(sigma: Tensor) -> Tensor:
    """By what a variance-preserving paper multiplies x₀ + σ ε."""
    return (1 + sigma.square()).rsqrt()


def edm(sigma_data: float = 0.5) -> Parameterisation:
    """The network of EDM, whose inputs and targets have unit variance at every level for data of this deviation.

    Raises:
        InputError: the deviation is not above zero.
    """
    if not sigma_data > 0:
        raise InputError(f"sigma_data {sigma_data:g}: the standard deviation of data is above zero")
    s = sigma_data
    return Parameterisation(
        lambda sigma: (sigma.square() + s * s).rsqrt(),
        lambda sigma: s * s / (sigma.square() + s * s),
        lambda sigma: sigma * s * (sigma.square() + s * s).rsqrt(),
    )


PARAMETERISATIONS = {
    "noise": Parameterisation(alpha, torch.ones_like, torch.neg),
    "x0": Parameterisation(alpha, torch.zeros_like, torch.ones_like),
    "v": Parameterisation(alpha, lambda sigma: alpha(sigma).square(), lambda sigma: -sigma * alpha(sigma)),
    "edm": edm(),
    "velocity": Parameterisation(
        lambda sigma: 1 / (1 + sigma), lambda sigma: 1 / (1 + sigma), lambda sigma: -sigma / (1 + sigma)
    ),
    "score": Parameterisation(alpha, torch.ones_like, torch.square),
}


class Preconditioned(nn.Module):
    """A network as a denoiser.

    Args:
        F: the network, `F(x, t)` or for classes `F(x, t, y)`, (n, *event) → (n, *event); with `learned` variances it
            gives twice as many channels (or columns), the second half of which says where they lie, in −1 … 1.
        parameterisation: what it predicts.
        told: what it is told of a noise level σ (n,), as its schedule has it.
    """

    def __init__(
        self, F: nn.Module, parameterisation: Parameterisation, told: Function, *, learned: bool = False
    ) -> None:
        super().__init__()
        self.F, self.parameterisation, self.told, self.learned = F, parameterisation, told, learned

    def __call__(  # not `forward`: what a training shards, compiles or computes in half precision is F
        self, x: Float[Tensor, " n *event"], sigma: Float[Tensor, " n"], y: Int[Tensor, " n"] | None = None
    ) -> Float[Tensor, " n *event"]:
        return self.predict(x, sigma, y).x0

    def predict(
        self, x: Float[Tensor, " n *event"], sigma: Float[Tensor, " n"], y: Int[Tensor, " n"] | None = None
    ) -> Prediction:
        F, v = self.asked(x, sigma, y)
        return Prediction(self.parameterisation.denoised(F, x, sigma), v)

    def asked(
        self, x: Float[Tensor, " n *event"], sigma: Float[Tensor, " n"], y: Int[Tensor, " n"] | None = None
    ) -> tuple[Float[Tensor, " n *event"], Float[Tensor, " n *event"] | None]:
        """What the network predicts, in its own terms, and where the variances lie if it learns that."""
        seen = over(self.parameterisation.c_in(sigma), x) * x
        labels = () if y is None else (y,)
        raw = self.F(seen, self.told(sigma).to(x.dtype), *labels)
        if not self.learned:
            return raw, None
        F, v = raw.chunk(2, dim=1)
        return F, (v + 1) / 2


@runtime_checkable
class Conditional(Protocol):
    """A denoiser that takes labels, such as `Preconditioned`."""

    def predict(self, x: Tensor, sigma: Tensor, y: Int[Tensor, " n"] | None = None) -> Prediction: ...


class Labelled:
    """A conditional denoiser whose labels are given: one of x and σ alone."""

    def __init__(self, D: Conditional, y: Int[Tensor, " n"]) -> None:
        self.D, self.y = D, y

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        return self.predict(x, sigma).x0

    def predict(self, x: Tensor, sigma: Tensor) -> Prediction:
        return self.D.predict(x, sigma, self.y)


def predict(D: Denoiser, x: Tensor, sigma: Float[Tensor, " n"]) -> Prediction:
    """What a denoiser says, with its variances where it has learned some."""
    known = getattr(D, "predict", None)
    return Prediction(D(x, sigma)) if known is None else known(x, sigma)


def score(D: Denoiser, x: Tensor, sigma: Float[Tensor, " n"]) -> Tensor:
    """∇ₓ log p_σ(x), of noisy samples."""
    return (D(x, sigma) - x) / over(sigma, x).square()  # (1)


def clamped(D: Denoiser, low: float = -1.0, high: float = 1.0) -> Denoiser:
    """The denoiser, whose results lie where images do: what its samples are steered to cannot drift away.

    Prafulla Dhariwal, Alex Nichol. Diffusion Models Beat GANs on Image Synthesis. 2021. https://arxiv.org/abs/2105.05233
    """
    return Mapped(D, lambda x0: x0.clamp(low, high))


class Mapped:
    """A denoiser whose results go through a function."""

    def __init__(self, D: Denoiser, function: Callable[[Tensor], Tensor]) -> None:
        self.D, self.function = D, function

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        return self.function(self.D(x, sigma))

    def predict(self, x: Tensor, sigma: Tensor) -> Prediction:
        found = predict(self.D, x, sigma)
        return found._replace(x0=self.function(found.x0))
