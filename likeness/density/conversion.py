"""Which σ a VAE's loss really has: what the σ, β, sum and mean that people write come to, and how one becomes another.

    written    a R(‖x − μ‖²) + β R'(KL),   a = 1/2σ², or 1 where no σ is written;  R, R' sums or means   (1)
    σ_eff      the loss is, up to a factor, ‖x − μ‖²/2σ_eff² + KL:   σ_eff² = ½ (β/L') / (a/D')          (2)
               D' = D for a mean over D dimensions, else 1;  L' = L for a mean over L latents, else 1
    KL weight  σ_eff²/σ²: by how much the KL counts more than for the decoder that was meant            (3)
    optimum    a learned σ shared by all dimensions:   σ² = mean squared error of a dimension           (4)
    collapse   a linear VAE uses a direction of the data if and only if its variance λ > σ_eff²         (5)

A mean over dimensions and a mean over the batch differ in kind: the latter changes the learning rate alone.

(2), (4) Oleh Rybkin, Kostas Daniilidis, Sergey Levine. Simple and Effective VAE Training with Calibrated Decoders.
    2021. https://arxiv.org/abs/2006.13202
(5) James Lucas, George Tucker, Roger Grosse, Mohammad Norouzi. Don't Blame the ELBO! 2019.
    https://arxiv.org/abs/1911.02469
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.errors import InputError
from likeness.findings import Finding


class Loss(NamedTuple):
    """A loss as somebody wrote it; `sigma=None` where the squared error stands alone."""

    sigma: float | None = None
    beta: float = 1.0
    mean_error: bool = False
    mean_kl: bool = False

    @property
    def meant(self) -> float:
        """The σ whose squared error this would be if it were summed and β were 1."""
        return math.sqrt(0.5) if self.sigma is None else self.sigma


def effective_sigma(loss: Loss, dimensions: int, latents: int = 1) -> float:
    """The σ of the Gaussian decoder that is trained, for samples of so many dimensions and so many latents.

    Raises:
        InputError: a number is not above zero.
    """
    _check(loss, dimensions, latents)
    a = 1 / (2 * loss.meant**2)  # (1)
    per_error = a / (dimensions if loss.mean_error else 1)
    per_kl = loss.beta / (latents if loss.mean_kl else 1)
    return math.sqrt(per_kl / (2 * per_error))  # (2)


def kl_weight(loss: Loss, dimensions: int, latents: int = 1) -> float:
    """How many times more the KL counts than in the bound of the decoder that was meant; 1 is that bound.

    Raises:
        InputError: a number is not above zero.
    """
    return (effective_sigma(loss, dimensions, latents) / loss.meant) ** 2  # (3)


def converted(loss: Loss, to: Loss, dimensions: int, latents: int = 1) -> Loss:
    """The loss written as `to` is (its β, sums and means), with the σ by which it trains the same model.

    Raises:
        InputError: a number is not above zero.
    """
    unit = to._replace(sigma=1.0)
    ratio = effective_sigma(loss, dimensions, latents) / effective_sigma(unit, dimensions, latents)
    return unit._replace(sigma=ratio)


def rescaled(sigma: float, old: tuple[float, float], new: tuple[float, float]) -> float:
    """A σ for pixels in the range `old` as one for the same pixels in the range `new`."""
    return sigma * (new[1] - new[0]) / (old[1] - old[0])


def explained(
    loss: Loss, dimensions: int, latents: int = 1, *, variances: Float[Tensor, " d"] | None = None, unit: str = "pixels"
) -> Finding:
    """What the loss comes to, in words; with the data's principal variances also what a linear VAE would use.

    Raises:
        InputError: a number is not above zero.
    """
    sigma, weight = effective_sigma(loss, dimensions, latents), kl_weight(loss, dimensions, latents)
    saw = f"{_in_words(loss)} on {dimensions} {unit} is a KL weight of {weight:.3g}: what is trained is a decoder with "
    saw += f"σ = {sigma:.3g}" + (f", not {loss.meant:.3g}." if not math.isclose(weight, 1) else ", as written.")
    if variances is not None:
        n = used_directions(variances, sigma)
        saw += f" A linear VAE would use {n} of the data's {len(variances)} directions" + ("." if n else ": none.")
    right = converted(
        loss._replace(sigma=loss.meant, beta=1, mean_error=False, mean_kl=False), loss, dimensions, latents
    )
    remedy = "" if math.isclose(weight, 1) else _remedy(loss, right)
    return Finding("kl-weight", saw, remedy)


def optimal_variance(x: Float[Tensor, " n *event"], mu: Float[Tensor, " n *event"]) -> Float[Tensor, ""]:
    """The σ² shared by all dimensions that makes these samples likeliest given the decoder's means."""
    return (x - mu).square().mean()  # (4)


def principal_variances(x: Float[Tensor, " n *event"]) -> Float[Tensor, " d"]:
    """Eigenvalues of the covariance of the data, largest first."""
    flat = x.flatten(1).double()
    covariance = torch.atleast_2d(torch.cov(flat.T, correction=0))
    return torch.linalg.eigvalsh(covariance).flip(0).clamp_min(0).to(x.dtype)


def used_directions(variances: Float[Tensor, " d"], sigma: float) -> int:
    """How many principal directions a linear VAE uses; none if σ exceeds the root of the largest variance."""
    return int((variances > sigma**2).sum())  # (5)


def _in_words(loss: Loss) -> str:
    error = "mean-MSE" if loss.mean_error else "the sum of squared errors"
    sigma = "with no σ" if loss.sigma is None else f"with σ = {loss.sigma:g}"
    beta = f" and β = {loss.beta:g}" if loss.beta != 1 else ""
    return f"{error} {sigma}{beta}" + (" and the mean of the KL over latents" if loss.mean_kl else "")


def _remedy(loss: Loss, right: Loss) -> str:
    if loss.mean_error or loss.mean_kl:
        return f"Sum over dimensions, average over the batch alone; or keep the loss and write σ = {right.sigma:.3g}."
    return f"For the evidence lower bound of σ = {loss.meant:.3g} set β to 1."


def _check(loss: Loss, dimensions: int, latents: int) -> None:
    named = {"sigma": loss.meant, "beta": loss.beta, "dimensions": dimensions, "latents": latents}
    for name, value in named.items():
        if value <= 0:
            raise InputError(f"{name} {value:g}: give a number above zero")
