"""How features fill their space: collapse of all or of some directions, a narrow cone, and how near pairs are.

A set has collapsed where all rows point the same way: its uniformity is near 0. It has collapsed in some dimensions
where it varies in far fewer directions than it has columns (Li Jing et al. Understanding Dimensional Collapse in
Contrastive Self-supervised Learning. 2021. https://arxiv.org/abs/2110.09348).
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.doctor.part import Part, mean_of, said
from likeness.findings import Finding
from likeness.represent.measures import anisotropy, effective_rank, participation_ratio, spectrum
from likeness.represent.nearest import nearest_to
from likeness.represent.sphere import alignment, ideal_uniformity, normalise, uniformity
from likeness.run.charts import Series, line_chart

COLLAPSED = -0.1  # uniformity: the rows differ by a few degrees
CONE = 0.5  # mean cosine
FEW = 0.25  # effective rank as a share of the directions there could be
FLAT = 1e-4  # a variance below that share of the mean one is a direction that is not used
ROGUE = 0.5  # share of the variance in one direction
APART = 0.5  # distance of pairs as a share of that of two random rows
T = 2.0


def spread(z: Float[Tensor, "n d"]) -> Part:
    """How many directions are used, and how evenly the sphere is covered."""
    n, d = z.shape
    u = normalise(z)
    variances = spectrum(z)
    even, ideal, cosine = float(uniformity(u, t=T)), ideal_uniformity(d, T), anisotropy(u)
    rank, possible = effective_rank(variances), min(d, n - 1)
    most = directions(variances, 0.95)
    words = [
        f"Uniformity {even:.3f}: it is 0 for one direction alone, {ideal:.3f} where they cover the sphere evenly "
        f"(in {d} dimensions), and in between for classes that stand apart.",
        f"The mean cosine of two rows is {cosine:.2f} (0: no common direction, 1: all the same).",
        f"The rows vary in about {rank:.1f} of {possible} directions (effective rank); {most} hold 95 % of variance.",
    ]
    if n <= d:
        words.append(f"There are no more rows ({n}) than columns ({d}): at most {n - 1} directions can be seen.")
    numbers: dict[str, Any] = {
        "uniformity": even,
        "ideal uniformity": ideal,
        "gap to the ideal": even - ideal,
        "mean cosine": cosine,
        "effective rank": rank,
        "participation ratio": participation_ratio(variances),
        "directions for 95 % of the variance": most,
        "possible directions": possible,
    }
    told = _collapse(z, even, cosine, rank, variances) or _dimensions(z, cosine, rank, variances)
    return Part("spread", "Spread", words, numbers, _spectrum(variances), told)


def pairs(z: Float[Tensor, "n d"], partner: Float[Tensor, "n d"]) -> Part:
    """How near two views of one sample are, beside two samples at random; how often the partner is the nearest."""
    a, b = normalise(z), normalise(partner)
    near = mean_of(alignment(a, b))
    far = mean_of(alignment(a, b.roll(1, 0)))
    found = nearest_to(a, b, 1, cosine=True).place.flatten()
    first = float((found == torch.arange(len(a))).double().mean())
    share = near[0] / far[0] if far[0] > 1e-9 else 1.0
    words = [
        f"Squared distance of a pair on the sphere (alignment): {said(near)}; of two rows at random: {said(far)}.",
        f"Among {len(a)} rows, the nearest is the partner for {first:.0%}.",
    ]
    told = []
    if near[0] < 1e-10:
        saw = "Every row equals its partner."
        told.append(
            Finding("pairs-identical", saw, "Give features of two different views; this file may be given twice.")
        )
    elif share > APART:
        saw = f"A pair is {share:.0%} as far apart as two rows at random: the features do not see what a pair shares."
        remedy = "Check that rows and pairs are in one order; else train with views like these (alignment, contrast)."
        told.append(Finding("pairs-apart", saw, remedy))
    numbers = {"alignment (pairs)": near, "alignment (random rows)": far, "partner is nearest": first}
    return Part("pairs", "Pairs", words, numbers, findings=told)


def directions(variances: Tensor, share: float) -> int:
    """How many principal directions hold that share of the variance; 0 where nothing varies."""
    total = float(variances.sum())
    return int((variances.cumsum(0) < share * total).sum()) + 1 if total else 0


def _collapse(z: Tensor, even: float, cosine: float, rank: float, variances: Tensor) -> list[Finding]:
    if even < COLLAPSED:
        return []
    if rank == 0:
        saw = "The features have collapsed: all rows are the same vector."
        return [Finding("collapse", saw, _RETRAIN)]
    saw = f"The features have collapsed to one direction: uniformity {even:.3f}, mean cosine {cosine:.4f}."
    saw += f" What is left differs in about {rank:.0f} directions."
    centred = normalise_rows(z - z.mean(0))
    remedy = _RETRAIN
    if len(centred) > 2 and float(uniformity(centred, t=T)) < 0.5 * ideal_uniformity(z.shape[1], T):
        remedy += " Or it is an offset: subtract the mean of each column, normalise, and look again."
    return [Finding("collapse", saw, remedy)]


_RETRAIN = (
    "Pulling pairs together alone does this: add uniformity or contrast with other samples, a larger batch or a queue; "
    "for methods with a teacher, check its stop of gradients and its centring."
)


def normalise_rows(z: Tensor) -> Tensor:
    """The rows that are not zero, at length one."""
    return normalise(z[(z != 0).any(1)])


def _dimensions(z: Tensor, cosine: float, rank: float, variances: Tensor) -> list[Finding]:
    """Findings of features that have not collapsed as a whole."""
    (n, d), told = z.shape, []
    possible = min(d, n - 1)
    used = int((variances > FLAT * variances.mean()).sum())
    if possible >= 4 and (rank < FEW * possible or used <= possible // 2):
        saw = f"Dimensional collapse: of {possible} possible directions about {rank:.1f} are used (effective rank)"
        saw += f", and {possible - used} not at all." if used < possible else "."
        remedy = (
            "Features of a classifier do this by design. Else: take features before the projection head, weigh "
            "uniformity or decorrelation more, raise the temperature, or store fewer columns (PCA loses little here)."
        )
        told.append(Finding("dimensional-collapse", saw, remedy))
    elif d >= 4 and float(variances[0] / variances.sum()) > ROGUE:
        told.append(_rogue(z, variances))
    if cosine > CONE:
        saw = f"The rows lie in a narrow cone: the mean cosine of two of them is {cosine:.2f}."
        remedy = "Subtract the mean of each column before comparing by cosine, or train with uniformity or contrast."
        told.append(Finding("narrow-cone", saw, remedy))
    return told


def _rogue(z: Tensor, variances: Tensor) -> Finding:
    own = z.double().var(0)
    share, top = float(variances[0] / variances.sum()), int(own.argmax())
    alone = float(own[top] / own.sum())
    where = f"column {top} alone holds {alone:.0%}" if alone > ROGUE else "no single column does"
    saw = f"One direction holds {share:.0%} of all variance ({where}), and decides most distances."
    return Finding("dominant-direction", saw, "Standardise or whiten the columns, or remove that direction.")


def _spectrum(variances: Tensor) -> list[str]:
    total = float(variances.sum())
    if not total:
        return []
    shares = [float(v) / total for v in variances if float(v) > 1e-9 * total]
    if len(shares) < 2:
        return []
    return [
        line_chart(
            [Series("share", range(1, len(shares) + 1), shares)],
            title="How much of the variance each direction holds",
            x="principal directions, the strongest first",
            y="share of the variance",
        )
    ]
