"""The part of the card `likelihood-vs-samples` on one Gaussian for two modes: which divergence covers, which seeks.

    KL(p ‖ q) has the moments of p; KL(q ‖ p) takes one mode; JSD covers near modes and seeks separated ones, sooner
    where these are unequal

Ferenc Huszár. How (not) to train your generative model. 2015. https://arxiv.org/abs/1511.05101
"""

import math
from collections.abc import Mapping
from functools import partial

import torch

from likeness.data.toys import two_normals
from likeness.gan.identities import Divergence, fit_gaussian, jsd, kl, reverse_kl
from likeness.papers.card import SCALES, Claim, Numbers, for_each

ROWS = ((0.7, 1.5), (0.7, 2.0), (0.7, 3.0), (0.5, 1.5), (0.5, 2.0), (0.5, 3.0))  # w, s
SEEKS = {(0.7, 2.0), (0.7, 3.0), (0.5, 3.0)}  # where JSD takes one mode
DIVERGENCES: Mapping[str, Divergence] = {"kl": kl, "reverse": reverse_kl, "jsd": jsd}


def gaussians() -> dict[str, float]:
    """Mean and standard deviation of the nearest Gaussian, by mixture and divergence."""
    x = torch.linspace(-12, 12, 2401, dtype=torch.float64)
    found: dict[str, float] = {}
    for w, s in ROWS:
        p = two_normals(w, s).log_prob(x[:, None]).exp()
        for name, divergence in DIVERGENCES.items():
            fit = fit_gaussian(divergence, p, x)
            found |= {f"{name}.{w}.{s}.mean": fit.mean, f"{name}.{w}.{s}.std": fit.std}
    return found


def as_said(w: float, s: float, n: Numbers) -> bool:
    """KL has the moments of both modes; JSD takes one of them where the table says so, else nearly both."""
    both = math.sqrt(0.49 + 4 * w * (1 - w) * s * s)
    covers = abs(n[f"kl.{w}.{s}.std"] - both) < 0.01
    if (w, s) in SEEKS:
        return covers and abs(n[f"jsd.{w}.{s}.std"] - 0.7) < 0.05 and abs(abs(n[f"jsd.{w}.{s}.mean"]) - s) < 0.05
    return covers and n[f"jsd.{w}.{s}.std"] > 0.9 * both


def seeks(w: float, s: float, n: Numbers) -> bool:
    return abs(n[f"reverse.{w}.{s}.std"] - 0.7) < 0.05


def claims() -> tuple[Claim, ...]:
    """The width that JSD and reverse KL choose, beside that of KL, and whether it is as the table says."""
    rows: list[Claim] = []
    for w, s in ROWS:
        name, key = f"{w} N(−{s}, 0.7²) + {1 - w:.1f} N({s}, 0.7²)", f"{w}.{s}"
        rows.append(
            Claim(f"{name}: σ by JSD (baseline: by KL)", f"jsd.{key}.std", "seeks", f"kl.{key}.std",
                  for_each(partial(as_said, w, s)), SCALES)
        )  # fmt: skip
        apart = for_each(partial(seeks, w, s)) if s >= 2 else None
        told = "… by reverse KL" if apart else "… by reverse KL, which covers modes as near as these"
        rows.append(Claim(told, f"reverse.{key}.std", "seeks", f"kl.{key}.std", apart, SCALES))
    return tuple(rows)
