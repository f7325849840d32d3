"""Whether chains have forgotten where they began, how many independent draws they are worth, and which modes they saw.

Split R̂ compares the spread between half-chains with the spread within them: with T steps a half-chain, W the mean
of their variances and B/T the variance of their means,

    R̂ = √((T − 1)/T + (B/T) / W)                                         (1)

is near 1 when all of them walk over the same distribution; above 1.1 they do not yet. M half-chains are worth

    ESS = M T / (−1 + 2 Σ_t P_t),   P_t = ρ_2t + ρ_2t+1,   ρ_t = 1 − (W − C_t) / (W (T − 1)/T + B/T)   (2)

independent draws, C_t the mean covariance at lag t, the sum up to the first negative P_t and each no larger than the
one before. Ranked, R̂ and ESS are of the normal scores of the draws' ranks, which heavy tails cannot spoil.

A chain of small steps that begins in one mode seldom leaves it where modes lie apart: within each mode the draws look
perfect, and the shares of modes are those of the starts. `Verdict` says so.

Andrew Gelman et al. Bayesian Data Analysis, 3rd edition, section 11.4. 2013. https://sites.stat.columbia.edu/gelman/book/
(2) Aki Vehtari, Andrew Gelman, Daniel Simpson, Bob Carpenter, Paul-Christian Bürkner. Rank-normalization, folding, and
    localization: An improved R̂ for assessing convergence of MCMC. 2021. https://doi.org/10.1214/20-BA1221
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from likeness.errors import InputError
from likeness.findings import Finding

MIXED = 1.1
CROSSED = 0.5  # share of chains that were at two modes or more, from which on it is patience that lacks
LOOKED_AT = 512  # chains among which separate places are looked for, at most


def split_rhat(trace: Float[Tensor, "steps chains *event"]) -> Float[Tensor, "*event"]:
    """R̂ of each coordinate, from chains cut into two halves of at least two steps each."""
    halves = split(trace)
    within = halves.var(0).mean(0)
    between = halves.mean(0).var(0)
    half = len(halves)
    return ((half - 1) / half + between / within.clamp(min=1e-300)).sqrt()  # (1)


def split(trace: Float[Tensor, "steps chains *event"]) -> Float[Tensor, "half chains2 *event"]:
    """Every chain as two, in double precision."""
    half = len(trace) // 2
    return torch.cat((trace[:half], trace[half : 2 * half]), dim=1).double()


def ranked(trace: Float[Tensor, "steps chains *event"]) -> Float[Tensor, "steps chains *event"]:
    """Normal scores of the ranks of each coordinate among all the draws."""
    flat = trace.flatten(0, 1)
    place = flat.argsort(0).argsort(0).double()
    return torch.special.ndtri((place + 1 - 3 / 8) / (len(flat) + 1 / 4)).view_as(trace)


def effective(trace: Float[Tensor, "steps chains *event"]) -> Float[Tensor, "*event"]:
    """The independent draws that a trace is worth, of each coordinate, for its mean."""
    halves = split(trace)
    T, M = halves.shape[:2]
    centred = halves - halves.mean(0)
    spectrum = torch.fft.rfft(centred, n=2 * T, dim=0).abs().square()
    covariance = torch.fft.irfft(spectrum, n=2 * T, dim=0)[:T].mean(1) / T
    within = covariance[0] * T / (T - 1)
    whole = covariance[0] + (halves.mean(0).var(0) if M > 1 else 0)
    rho = 1 - (within - covariance) / whole.clamp(min=1e-300)
    rho[0] = 1
    pairs = rho[: T // 2 * 2].unflatten(0, (-1, 2)).sum(1)
    kept = (pairs > 0).cummin(0).values  # up to the first negative
    tau = -1 + 2 * (pairs.cummin(0).values * kept).sum(0)  # each no larger than the one before
    return M * T / tau.clamp(min=1 / math.log10(max(M * T, 10)))  # (2)


class Verdict(NamedTuple):
    """What a trace (steps, chains, *event) says of its chains.

    Attributes:
        rhat: the largest split R̂ over coordinates, of the draws and of their ranks.
        effective: the smallest effective sample size over coordinates, of ranks.
        modes: where the modes are, (k, d): as given, or places that chains were found to stay at; none found: (0, d).
        shares: of the draws nearest to each mode, (k,).
        crossed: the share of chains that were at more than one mode.
        crossings: how often a chain went from one to another, in the mean.
        findings: what is wrong, in words.
    """

    rhat: float
    effective: float
    modes: Tensor
    shares: Tensor
    crossed: float
    crossings: float
    findings: tuple[Finding, ...]


def verdict(trace: Float[Tensor, "steps chains *event"], modes: Float[Tensor, " k *event"] | None = None) -> Verdict:
    """Look at the states of chains, best without those of the beginning.

    Args:
        modes: the centres of the modes, where they are known.

    Raises:
        InputError: fewer than eight steps, or a single chain.
    """
    if len(trace) < 8 or trace.shape[1] < 2:
        raise InputError(f"{len(trace)} states of {trace.shape[1]} chains: a verdict needs 8 of 2 or more")
    trace = trace.detach().flatten(2) if trace.ndim > 2 else trace.detach()[..., None]
    ranks = ranked(trace)
    rhat = max(float(split_rhat(t).max()) for t in (trace, ranks))
    worth = float(effective(ranks).min())
    found = places(trace) if modes is None else modes.flatten(1).to(trace)
    at = nearest(trace, found)
    shares = torch.bincount(at.flatten(), minlength=len(found)).double() / at.numel()
    moved = (at[1:] != at[:-1]).sum(0)
    crossed, crossings = float((moved > 0).float().mean()), float(moved.float().mean())
    findings = _findings(rhat, len(trace), at, len(found) if len(found) > 1 else 0, crossed)
    return Verdict(rhat, worth, found, shares, crossed, crossings, findings)


def nearest(trace: Float[Tensor, "steps chains d"], modes: Float[Tensor, "k d"]) -> Int[Tensor, "steps chains"]:
    """The mode that each state is nearest to; zero where there is none."""
    if not len(modes):
        return torch.zeros(trace.shape[:2], dtype=torch.long, device=trace.device)
    return torch.stack([torch.cdist(x, modes).argmin(1) for x in trace])


def places(trace: Float[Tensor, "steps chains d"], *, radius: float = 1.5, share: float = 0.02) -> Float[Tensor, "k d"]:
    """Where chains stay that do not go to where others are: means of chains that lie apart, by how far chains reach.

    Two chains are in one place if their means lie within `radius` standard deviations of a chain, in the metric of the
    coordinates in which chains differ most. A place holds `share` of the chains, or two of them.
    """
    within = trace.var(0).mean(0).sqrt().clamp(min=1e-12)
    means = trace.mean(0)[:LOOKED_AT] / within
    apart = torch.cdist(means, means, p=math.inf) if len(means) else means
    left, found = torch.ones(len(means), dtype=torch.bool, device=trace.device), []
    while left.any():
        near = (apart < radius) & left
        centre = int((near.sum(1) * left).argmax())
        if int(near[centre].sum()) < max(2, share * len(means)):
            break
        found.append(means[near[centre]].mean(0) * within)
        left &= apart[centre] > 2 * radius
    return torch.stack(found) if len(found) > 1 else means[:0]


def _findings(rhat: float, steps: int, at: Tensor, k: int, crossed: float) -> tuple[Finding, ...]:
    found = []
    missed = k - len(at.unique()) if k else 0
    if missed:
        saw = f"{missed} of {k} modes were visited by no chain: what the draws say holds only where the chains were."
        found.append(
            Finding("unvisited-modes", saw, "Begin chains everywhere, and walk over more and more steep laws.")
        )
    if rhat > MIXED and k - missed > 1 and crossed < CROSSED:
        crossing = "No chain has" if crossed == 0 else f"{100 * crossed:.0f} % of the chains have"
        saw = f"{crossing} crossed between modes in {steps} states (R̂ {rhat:.2f} > {MIXED}): "
        saw += "within a mode the draws may be right, the shares of modes are those of the starts."
        found.append(
            Finding("not-crossed", saw, "Anneal the chains over noise levels or temperatures, or resample them.")
        )
    elif rhat > MIXED:
        saw = f"The chains have not mixed in {steps} states (R̂ {rhat:.2f} > {MIXED}): draws depend on their start."
        found.append(Finding("unmixed-chain", saw, "Use more steps, or larger ones."))
    return tuple(found)
