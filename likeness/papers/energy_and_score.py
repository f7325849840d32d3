"""Card: energies and scores, what is exactly true of them, and what Langevin chains get wrong.

Everything is held against Gaussian mixtures, whose scores are known. The figures published beside ours are what theory
says: identities have no other.

Aapo Hyvärinen. Estimation of Non-Normalized Statistical Models by Score Matching. 2005.
https://www.jmlr.org/papers/v6/hyvarinen05a.html
Yang Song, Sahaj Garg, Jiaxin Shi, Stefano Ermon. Sliced Score Matching. 2019. https://arxiv.org/abs/1905.07088
Yang Song, Stefano Ermon. Generative Modeling by Estimating Gradients of the Data Distribution. 2019.
https://arxiv.org/abs/1907.05600
"""

from typing import NamedTuple

from likeness.papers import _langevin, _score_matching, _score_networks
from likeness.papers.card import Card, Numbers, Scale


class Budget(NamedTuple):
    """Chains and their steps; samples of the identities and of the closed form; dimensions and rounds timed; steps of
    the networks."""

    chains: int
    chain_steps: int
    samples: int
    points: int
    dimensions: tuple[int, ...]
    rounds: int
    steps: int


BUDGETS: dict[Scale, Budget] = {
    "quick": Budget(4000, 5000, 100_000, 20_000, (2, 16, 64), 5, 400),
    "laptop": Budget(20_000, 5000, 400_000, 20_000, (2, 16, 64, 256), 15, 2500),
    "gpu": Budget(100_000, 5000, 4_000_000, 20_000, (2, 16, 64, 256), 15, 10_000),
}


def measure(seed: int, scale: Scale) -> Numbers:
    b = BUDGETS[scale]
    return {
        **_langevin.measure(b.chains, b.chain_steps, seed),
        **_score_matching.measure(b.samples, b.points, b.dimensions, b.rounds, seed),
        **_score_networks.measure(b.steps, seed),
    }


CARD = Card(
    "energy-and-score",
    "Energies, scores and Langevin chains",
    "https://www.jmlr.org/papers/v6/hyvarinen05a.html",
    "Score matching is the Fisher divergence up to a constant, for an arbitrary network and by its slices too, and "
    "finds a Gaussian's inverse covariance. The exact trace costs a back-propagation for each dimension; slices and "
    "denoising do not grow. Langevin chains with exact scores have the right spread within a mode and the wrong share "
    "of modes that lie apart, of which R̂ tells; falling levels of noise repair most of it, if they are close enough "
    "and have steps enough, and with few of either leave draws too wide. An energy network's score has no curl; a "
    "score network's has. Lowering the energy of data alone has no end and makes the normalised density worse.",
    measure,
    _score_matching.CLAIMS + _langevin.CLAIMS + _score_networks.CLAIMS,
)
