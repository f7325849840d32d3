"""Which loss was trained: the decoder's σ and the weight of the KL, in words, and what a linear VAE would use."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.density.conversion import (
    Loss,
    effective_sigma,
    explained,
    kl_weight,
    principal_variances,
    rescaled,
    used_directions,
)
from likeness.density.likelihoods import Gaussian, GaussianMap
from likeness.density.vae import VAE
from likeness.doctor.part import Part

LARGEST = 5000  # samples whose covariance is looked at


def own_sigma(vae: VAE, x: Float[Tensor, " n *event"]) -> float | None:
    """The standard deviation of the decoder, the root mean square where each pixel has its own; None without one."""
    match vae.likelihood:
        case Gaussian():
            return float(vae.likelihood.sigma.detach())
        case GaussianMap() if vae.frequencies is None:
            device = next(vae.parameters()).device
            with torch.no_grad():
                outputs = vae.D(vae.encode(x[:256].to(device)).mean)
            return float(vae.likelihood.sigma(outputs).square().mean().sqrt())
    return None


def largest_variance(x: Float[Tensor, " n *event"]) -> float:
    """The variance of the data along their widest direction."""
    return float(principal_variances(x[:LARGEST])[0])


def of_run(vae: VAE, beta: float, x: Float[Tensor, " n *event"]) -> Part:
    """The loss of a run, whose σ is in the units of x."""
    dims, unit = x[0].numel(), "pixels" if x.ndim == 4 else "numbers"
    sigma, variances = own_sigma(vae, x), principal_variances(x[:LARGEST])
    if sigma is None:
        weight = "the evidence lower bound" if beta == 1 else f"that bound with the KL counted {beta:g} times"
        words = [f"{type(vae.likelihood).__name__} has no σ to set; with β = {beta:g} the loss is {weight}."]
        return Part("loss", "The loss", words, {"beta": beta, "kl_weight": beta})
    loss = Loss(float(f"{sigma:.3g}"), beta)  # a learned one has more digits than anybody reads
    told = explained(loss, dims, vae.d_z, variances=variances, unit=unit)
    effective = effective_sigma(loss, dims, vae.d_z)
    words = [_capital(told.saw), *([told.remedy] if told.remedy else []), *_threshold(variances, effective)]
    if x.ndim == 4:
        other = rescaled(effective, (-1, 1), (0, 1))
        words.append(f"Pixels lie in [-1, 1]; for pixels in [0, 1] this is σ = {other:.3g}.")
    numbers = {"sigma": sigma, "beta": beta, "effective_sigma": effective}
    numbers |= {"kl_weight": kl_weight(loss, dims, vae.d_z), "threshold": math.sqrt(float(variances[0]))}
    numbers |= {"linear_directions": used_directions(variances, effective)}
    return Part("loss", "The loss", words, numbers)


def of_words(loss: Loss, dims: int, latents: int, variances: Float[Tensor, " d"] | None = None) -> Part:
    """A loss as somebody wrote it down, without a run."""
    told = explained(loss, dims, latents, variances=variances)
    effective = effective_sigma(loss, dims, latents)
    words = [_capital(told.saw), *([f"To write it right: {told.remedy}"] if told.remedy else [])]
    words += [] if variances is None else _threshold(variances, effective)
    numbers = {"effective_sigma": effective, "kl_weight": kl_weight(loss, dims, latents), "dimensions": dims}
    numbers |= {} if variances is None else {"threshold": math.sqrt(float(variances[0]))}
    return Part("loss", "The loss", words, numbers)


def _threshold(variances: Tensor, sigma: float) -> list[str]:
    edge, first = math.sqrt(float(variances[0])), ", ".join(f"{v:.3g}" for v in variances[:5].tolist())
    told = f"Principal variances of the data: {first} … (in all {float(variances.sum()):.3g}). "
    told += f"A linear VAE collapses entirely above σ = {edge:.3g}"
    return [told + (f": this one would, at {sigma:.3g}." if sigma > edge else f"; this is {sigma:.3g}.")]


def _capital(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]
