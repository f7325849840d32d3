"""What the latents of a VAE carry, and whether draws from the prior start where the decoder was taught.

A hole: q(z), the codes of data as a whole, and the prior p(z) differ, so that some draws start where no code ever was.
It is looked for twice, with codes of samples that were not trained on. In the latents a classifier tries to tell z of
q(z) from z of p(z): its accuracy bounds their total variation from below, by 2 · accuracy − 1. In the samples the means
decoded from either are held against other real data, in one feature space.

Mihaela Rosca, Balaji Lakshminarayanan, Shakir Mohamed. Distribution Matching in Variational Inference. 2018.
https://arxiv.org/abs/1802.06847
"""

from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.density.collapse import collapsed_levels, findings, use
from likeness.density.latents import Posterior
from likeness.density.vae import VAE
from likeness.doctor.part import Interval, Part, said
from likeness.findings import Finding
from likeness.judge.c2st import TwoSample, c2st
from likeness.judge.features import FeatureSpace, features_of
from likeness.judge.frechet import frechet
from likeness.run.charts import Series, line_chart
from likeness.sampling import Streams

SURE = 3.0  # standard scores


@runtime_checkable
class Levelled(Protocol):
    """A hierarchical model that says what each level of its latents carries."""

    def levels_kl(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Nats (n, levels), from the top down."""


class Hole(NamedTuple):
    """Codes of data against the prior; Fréchet distances of what is decoded from either, to other real data."""

    test: TwoSample
    from_prior: Interval
    from_codes: Interval


def posterior_of(vae: VAE, x: Float[Tensor, " n *event"], y: Tensor | None) -> Posterior:
    """q(z|x) of many samples, some at a time."""
    labels = None if vae.frequencies is None else y
    device = next(vae.parameters()).device
    parts = [vae.encode(a.to(device), None if labels is None else labels[i : i + len(a)].to(device))
             for i, a in zip(range(0, len(x), 256), x.split(256), strict=True)]  # fmt: skip
    return Posterior(torch.cat([p.mean for p in parts]).cpu(), torch.cat([p.log_variance for p in parts]).cpu())


def codes(q: Posterior, *, sigma: float | None = None, largest: float | None = None) -> Part:
    """What the latents carry, with the alarm of a collapse and its cause where σ and the data's variance tell it."""
    found = use(q)
    nats, n = found.rate.sort(descending=True).values.tolist(), int(found.active.sum())
    words = [
        f"The latents carry {found.nats:.3g} nats a sample; {n} of {len(nats)} are active (their mean moves with x).",
        f"Mean and covariance of all codes differ from the prior's by {found.gap:.3g} nats at least.",
    ]
    chart = line_chart(
        [Series("nats", range(1, len(nats) + 1), nats)],
        title="What each latent carries",
        x="latents, those that carry most first",
        y="KL (nats)",
    )
    numbers = {"kl": found.nats, "active": n, "d_z": len(nats), "gap": found.gap, "kl_of_latents": found.rate.tolist()}
    told = findings(found, sigma=sigma, largest=largest)
    return Part("codes", "What the latents carry", words, numbers, [chart], told)


def levels(kl: Float[Tensor, "n levels"]) -> Part:
    """What each level of a hierarchical model carries, from the top down, numbered from below."""
    nats = kl.double().mean(0).tolist()
    words = [f"Level {len(nats) - i} carries {v:.3g} nats a sample." for i, v in enumerate(nats)]
    told = collapsed_levels(nats)
    return Part("levels", "What each level carries", words, {"kl_of_levels": nats}, findings=told)


def hole(
    vae: VAE, q: Posterior, labels: Tensor | None, real: Tensor, space: FeatureSpace, *, seed: int, device: str
) -> Part:
    """The prior against the codes `q` of samples that were not trained on; `real` are others still."""
    found = measured(vae, q, labels, real, space, seed=seed, device=device)
    accuracy = found.test.accuracy
    words = [
        f"A classifier tells codes of data from draws of the prior with accuracy {said(accuracy)} (½: not at all; "
        f"z {found.test.z:.1f}).",
        f"Fréchet distance to real data of means decoded from the prior {said(found.from_prior)}, from codes of unseen "
        f"data {said(found.from_codes)}.",
    ]
    numbers = {"accuracy": accuracy, "z": found.test.z, "frechet_prior": found.from_prior}
    numbers |= {"frechet_codes": found.from_codes}
    return Part("hole", "Does the prior fit the codes", words, numbers, findings=_told(found))


def measured(
    vae: VAE, q: Posterior, labels: Tensor | None, real: Tensor, space: FeatureSpace, *, seed: int, device: str
) -> Hole:
    """The numbers of the test."""
    n, source = len(q.mean), Streams(seed).split("hole")
    at = q.at(source.normal(n, vae.d_z))
    z = source.normal(n, vae.d_z)
    y = None if vae.frequencies is None else labels
    reference = features_of(space, real, device=device).cpu()

    def distance(latents: Tensor) -> Interval:
        with torch.no_grad():
            x = torch.cat([vae.decode(part.to(device), None if y is None else y[i : i + len(part)].to(device)).cpu()
                           for i, part in zip(range(0, n, 256), latents.split(256), strict=True)])  # fmt: skip
        return frechet(reference, features_of(space, x, device=device).cpu()).distance

    return Hole(c2st(at, z, seed=seed), distance(z), distance(at))


def _told(found: Hole) -> list[Finding]:
    if found.test.z < SURE:
        return []
    apart = 2 * found.test.accuracy[0] - 1
    saw = f"Codes of data and draws of the prior differ (by a total variation of {apart:.2f} or more)."
    if found.from_prior[1] > found.from_codes[2]:
        saw += f" Draws suffer: Fréchet {found.from_prior[0]:.3g} from the prior, {found.from_codes[0]:.3g} from codes."
        remedy = "Raise σ or β, use a prior that follows the codes (exemplars, a flow, a mixture), or draw from codes."
        return [Finding("prior-hole", saw, remedy)]
    return [Finding("prior-differs", saw, "What is drawn does not show it yet; look again after more training.")]
