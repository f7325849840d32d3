"""Card: Understanding Contrastive Representation Learning through Alignment and Uniformity on the Hypersphere (2020).

Exact parts: points that uniformity alone moves over the sphere, beside the closed form of their ideal, and the limit of
the contrastive loss in the number of negatives. Then encoders of MNIST (or of the embedded digits) that learn for four
passes by contrast, by alignment and uniformity, and by alignment alone, which collapses; all are probed with 100 and
1000 labels, beside pixels and the untrained network.

Tongzhou Wang, Phillip Isola. 2020. https://arxiv.org/abs/2005.10242
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import normalize

from likeness.papers._representations import aligned, beside, contrasted, ground, learned, must, placed, probed
from likeness.papers.card import SCALES, Card, Claim, Numbers, Scale, for_each
from likeness.represent.contrast import info_nce
from likeness.represent.sphere import ideal_uniformity, normalise, uniformity

WAYS = {"contrast": contrasted, "both": aligned(1.0), "align": aligned(0.0)}
COUNTS = (128, 512, 2048, 8192)  # negatives


def measure(seed: int, scale: Scale) -> Numbers:
    here = ground(seed, scale)
    methods = {name: learned(make, here) for name, make in WAYS.items()}
    found = exact(seed) | probed([*beside(here), *((n, m.encode) for n, m in methods.items())], here)
    for name, method in methods.items():
        found |= placed(name, method, here)
    return found


def exact(seed: int) -> dict[str, float]:
    """Points that uniformity spreads over the sphere, and how far the loss with M negatives is from its limit."""
    torch.manual_seed(seed)
    free = torch.randn(200, 3, dtype=torch.float64).requires_grad_()
    optimiser = torch.optim.Adam([free], 0.05)
    for _ in range(300):
        loss = uniformity(normalise(free))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    gaps = [gap(m, seed) for m in COUNTS]
    x = torch.tensor([math.log(m) for m in COUNTS])
    y = torch.tensor([math.log(g) for g in gaps])
    slope = float(((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum())
    return {"spread": float(loss.detach()), "ideal": ideal_uniformity(3), "slope": slope}


def gap(m: int, seed: int, *, d: int = 8, tau: float = 0.5, repeats: int = 64) -> float:
    """Root mean square, over sets of negatives, of the loss with m of them less log m and the limit (Theorem 1)."""
    g = torch.Generator().manual_seed(seed)

    def sphere(n: int) -> Tensor:
        return normalize(torch.randn(n, d, generator=g, dtype=torch.float64), dim=1)

    q = sphere(1)
    # log E exp(u·v/τ) on the sphere is the ideal uniformity with t = 1/(2τ), where 2t u·v − 2t = u·v/τ − 1/τ
    limit = -1 / tau + ideal_uniformity(d, 1 / (2 * tau)) + 1 / tau
    found = torch.stack([info_nce(q, q, sphere(m), tau=tau)[0] - math.log(m) - limit for _ in range(repeats)])
    return float(found.square().mean().sqrt())


CARD = Card(
    "align-uniform",
    "Understanding Contrastive Representation Learning through Alignment and Uniformity on the Hypersphere",
    "https://arxiv.org/abs/2005.10242",
    __doc__.split("\n\n")[1].replace("\n", " "),
    measure,
    (
        Claim("uniformity of 200 points on a sphere in 3 dimensions that it moves: at most .01 from the ideal or below",
              "spread", None, "ideal", for_each(lambda n: n["spread"] <= n["ideal"] + 0.01), SCALES),
        Claim("slope of log |loss − log M − limit| in log M: −.5 ± .1", "slope", "−1/2", None,
              for_each(lambda n: abs(n["slope"] + 0.5) <= 0.1), SCALES),
        Claim("alignment and uniformity, 100 labels: %, 10 above the untrained network", "both.linear100", None,
              "random.linear100", for_each(lambda n: n["both.linear100"] >= n["random.linear100"] + 10), must()),
        Claim("… 6 above pixels", "both.linear100", None, "pixels.linear100",
              for_each(lambda n: n["both.linear100"] >= n["pixels.linear100"] + 6), must()),
        Claim("… within 2 of contrast", "both.linear100", "83.2 (STL-10, the authors’ code)", "contrast.linear100",
              for_each(lambda n: abs(n["both.linear100"] - n["contrast.linear100"]) <= 2), must()),
        Claim("… 1000 labels", "both.linear1000", None, "contrast.linear1000"),
        Claim("… nearest neighbours, 100 labels", "both.knn100", None, "contrast.knn100"),
        Claim("… its uniformity: below −2.5", "both.uniformity", None, "contrast.uniformity",
              for_each(lambda n: n["both.uniformity"] < -2.5), must()),
        Claim("alignment alone, 100 labels: %", "align.linear100", None, "random.linear100"),
        Claim("… its uniformity: above −.1, collapsed", "align.uniformity", None, "both.uniformity",
              for_each(lambda n: n["align.uniformity"] > -0.1), must()),
    ),
)  # fmt: skip
