"""How likely a model finds data it was taught and data it was not; of a VAE, where its bound is lost.

    over-fitting      mean over training samples less mean over unseen ones, with its interval
    inference         IW_k − ELBO on unseen samples: what the encoder loses, at least
    with `evidence`   AIS − ELBO: what it loses, nearly all of it (annealed chains need no encoder)

A loss of the first kind is cured by more data or earlier stopping, of the second by a better encoder.

Chris Cremer, Xuechen Li, David Duvenaud. Inference Suboptimality in Variational Autoencoders. 2018.
https://arxiv.org/abs/1801.03558
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.bits import binarised
from likeness.density.ais import evidence
from likeness.density.vae import VAE
from likeness.doctor.codes import posterior_of
from likeness.doctor.part import Part, difference_of, mean_of, said
from likeness.findings import Finding

K = 64  # draws of the importance-weighted bound
DRAWS = 4  # of z for the evidence lower bound
CHAINS, TEMPERATURES = 8, 200


def over_fitting(
    nats: Callable[[Tensor], Tensor], train: Float[Tensor, " n *event"], unseen: Float[Tensor, " m *event"], what: str
) -> Part:
    """The gap between samples that were learned from and others; `nats` gives float64 on the CPU."""
    here, there = nats(train), nats(unseen)
    gap, D = difference_of(here, there), train[0].numel()
    words = [f"{what}: {said(mean_of(here))} nats on training samples, {said(mean_of(there))} on unseen ones."]
    words.append(f"Training less unseen: {said(gap)} nats.")
    numbers = {"train": mean_of(here), "unseen": mean_of(there), "gap": gap, "kind": what}
    told = []
    if gap[1] > 0 and gap[0] > max(0.1, 0.01 * D):
        saw = f"The model is over-fitted: training samples are likelier than unseen ones by {said(gap)} nats."
        remedy = "Stop earlier (--patience), give more data, a smaller network, or a larger σ."
        told.append(Finding("over-fitted", saw, remedy))
    return Part("over-fitting", "Over-fitting", words, numbers, findings=told)


def seen_by(vae: VAE, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n *event"]:
    """Samples as the likelihood sees them: black and white by chance where it was taught so."""
    return x if vae.observe is None else binarised(x)


def elbo(vae: VAE, x: Float[Tensor, " n *event"], y: Tensor | None = None) -> Float[Tensor, " n"]:
    """The evidence lower bound of each sample, in float64, a mean over draws of z."""
    return _bound(vae, x, y, lambda part, label, i: vae.log_prob(part, label, k=1, generator=i), DRAWS)


def inference(
    vae: VAE, x: Float[Tensor, " n *event"], y: Tensor | None = None, *, chains: bool = False, first: int = 64
) -> Part:
    """What is lost between ELBO and log p(x), on samples as the likelihood sees them.

    Args:
        chains: anneal as well, for the `first` samples.
    """
    lower = elbo(vae, x, y)
    tighter = _bound(vae, x, y, lambda part, label, i: vae.log_prob(part, label, k=K, generator=i), 1)
    gap = mean_of(tighter - lower)
    words = [f"ELBO {said(mean_of(lower))}, IW_{K} {said(mean_of(tighter))} nats on unseen samples: bounds, not p(x)."]
    words.append(f"The encoder loses {said(gap)} nats a sample, at least.")
    numbers = {"elbo": mean_of(lower), f"iw{K}": mean_of(tighter), "inference_gap": gap}
    if chains:
        found = _annealed(vae, x[:first], None if y is None else y[:first]).cpu()
        above = mean_of(found - lower[:first])
        numbers |= {"ais": mean_of(found), "ais_gap": above}
        words.append(
            f"By {CHAINS} annealed chains of {TEMPERATURES} temperatures for the first {len(found)} of them: "
            f"{said(mean_of(found))} (a bound, too), {said(above)} above their ELBO."
        )
    told = []
    if gap[1] > max(2.0, 0.05 * abs(mean_of(tighter)[0])):
        saw = f"The encoder's posterior is far from the true one: ELBO lies {gap[0]:.3g} nats below IW_{K}."
        told.append(Finding("inference-gap", saw, "Widen the encoder or train it longer; quote IW_k, and say k."))
    return Part("inference", "Where the bound is lost", words, numbers, findings=told)


def _bound(
    vae: VAE, x: Tensor, y: Tensor | None, value: Callable[[Tensor, Tensor | None, int], Tensor], draws: int
) -> Tensor:
    device = next(vae.parameters()).device
    labels = None if y is None or vae.frequencies is None else y
    parts = []
    for start in range(0, len(x), 256):
        part, label = x[start : start + 256].to(device), None if labels is None else labels[start : start + 256]
        each = [value(part, None if label is None else label.to(device), i).cpu().double() for i in range(draws)]
        parts.append(torch.stack(each).mean(0))
    return torch.cat(parts)


def _annealed(vae: VAE, x: Tensor, y: Tensor | None) -> Tensor:
    device = next(vae.parameters()).device
    labels = None if y is None or vae.frequencies is None else y.to(device)
    q = posterior_of(vae, x, y)
    q = q._replace(mean=q.mean.to(device), log_variance=q.log_variance.to(device))

    def log_likelihood(rows: Tensor, z: Tensor) -> Tensor:
        given = {} if labels is None else {"y": labels.repeat_interleave(len(rows) // len(labels))}
        return vae.likelihood.log_prob(rows, vae.D(z, **given))

    return evidence(log_likelihood, x.to(device), d_z=vae.d_z, q=q, chains=CHAINS, temperatures=TEMPERATURES).lower
