"""The tests of two samples in the card `evaluation`: what a mean, a variance and a learned statistic tell apart.

Pairs of one-dimensional distributions that differ in their mean, in their variance, in their shape alone, or not.

Arthur Gretton et al. A Kernel Two-Sample Test. 2012. https://jmlr.org/papers/v13/gretton12a.html
David Lopez-Paz, Maxime Oquab. Revisiting Classifier Two-Sample Tests. 2017. https://arxiv.org/abs/1610.06545
"""

from collections.abc import Callable, Sequence
from statistics import fmean, median

import torch
from torch import Tensor

from likeness.data import Mixture, Truth
from likeness.data.toys import TOYS
from likeness.judge.c2st import c2st
from likeness.judge.mmd import mmd_test
from likeness.papers.card import Claim, Numbers, Verdict, for_each
from likeness.refine import fit_ratio
from likeness.sampling import Streams

ALPHA = 0.05
REPEATS = 200  # at least, for the verdicts on how often a test rejects
PAIR = ("normal", "shifted", "wide", "laplace")  # the first, and what it is paired with


def measure(n: int, repeats: int, steps: int, seed: int) -> dict[str, float]:
    """Samples of each set, repeats of each test, steps of the density ratio."""
    return p_values(n, repeats, seed) | learned(n, steps, seed)


def p_values(n: int, repeats: int, seed: int) -> dict[str, float]:
    """Median p-values of the pairs, and how often each test rejects two sets from one distribution."""
    from scipy import stats

    known = {name: TOYS[name].make() for name in PAIR}
    by_name: dict[str, Callable[[Tensor, Tensor], float]] = {
        "mean": lambda x, y: stats.ttest_ind(x[:, 0], y[:, 0]).pvalue,
        "variance": lambda x, y: stats.bartlett(x[:, 0], y[:, 0]).pvalue,
        "ks": lambda x, y: stats.ks_2samp(x[:, 0], y[:, 0]).pvalue,
        "mmd": lambda x, y: mmd_test(x, y, permutations=199, largest=250, seed=seed).p,
        "c2st": lambda x, y: c2st(x, y, largest=250, seed=seed).p,
    }
    found = {}
    for test, p_value in by_name.items():
        for name in PAIR[: 1 if test == "c2st" else None]:  # the other pairs are judged by its z, on more samples
            draws = (pair(known["normal"], known[name], n, seed, r) for r in range(repeats))
            values = [float(p_value(x, y)) for x, y in draws]
            found[f"{test}.{name}"] = median(values)
            if name == "normal":
                found[f"{test}.rate"] = fmean(p <= ALPHA for p in values)
    return found


def pair(p: Truth, q: Truth, n: int, seed: int, repeat: int = 0) -> tuple[Tensor, Tensor]:
    """Fresh samples of both for each repeat."""
    own = Streams(seed).split(repeat)
    return p.sample(n, generator=own.split("first")), q.sample(n, generator=own.split("second"))


def learned(n: int, steps: int, seed: int) -> dict[str, float]:
    """The classifier's test on each pair, and its logit against a log density ratio that is known."""
    known = {name: TOYS[name].make() for name in PAIR}
    found = {f"z.{name}": c2st(*pair(known["normal"], known[name], 4 * n, seed), seed=seed).z for name in PAIR}
    p, q = Mixture(torch.ones(1, 2), 1.0), Mixture(torch.zeros(1, 2), 1.5)
    ratio = fit_ratio(q.sample, p.sample(6 * n, generator=seed), max_steps=steps, seed=seed)
    x = torch.cat(pair(p, q, n, seed))
    truth = p.log_prob(x) - q.log_prob(x)
    return found | {"ratio": float(torch.corrcoef(torch.stack((ratio(x), truth)))[0, 1])}


def at_its_level(test: str, exact: bool = True) -> Verdict:
    """Over all seeds a test rejects the truth in 5 %, or at most in 5 %, within three standard errors."""

    def holds(seeds: Sequence[Numbers]) -> bool:
        error = (ALPHA * (1 - ALPHA) / (len(seeds) * REPEATS)) ** 0.5
        above = fmean(n[f"{test}.rate"] for n in seeds) - ALPHA
        return (-3 * error <= above or not exact) and above <= 3 * error

    return holds


def seen(key: str) -> Verdict:
    return for_each(lambda n: n[key] < ALPHA)


def missed(key: str) -> Verdict:
    return for_each(lambda n: n[key] > ALPHA)


KS, KERNEL = "Kolmogorov and Smirnov's test", "the kernel test, 250 samples"
CLAIMS = (
    Claim("other mean: median p of the t-test", "mean.shifted", "seen", "mean.normal", seen("mean.shifted")),
    Claim("other variance: median p of the t-test", "mean.wide", "missed", "mean.normal", missed("mean.wide")),
    Claim("other variance: median p of Bartlett's test", "variance.wide", "seen", "variance.normal",
          seen("variance.wide")),
    Claim("other shape: median p of the t-test", "mean.laplace", "missed", "mean.normal", missed("mean.laplace")),
    Claim("other shape: median p of Bartlett's test", "variance.laplace", "missed", "variance.normal",
          missed("variance.laplace")),
    Claim(f"other shape: median p of {KS}", "ks.laplace", None, "ks.normal", seen("ks.laplace")),
    Claim(f"other shape: median p of {KERNEL}", "mmd.laplace", None, "mmd.normal", seen("mmd.laplace")),
    Claim("other mean: z of a classifier", "z.shifted", "seen", "z.normal", for_each(lambda n: n["z.shifted"] > 3)),
    Claim("other variance: z of a classifier", "z.wide", "seen", "z.normal", for_each(lambda n: n["z.wide"] > 3)),
    Claim("other shape: z of a classifier", "z.laplace", "seen", "z.normal", for_each(lambda n: n["z.laplace"] > 3)),
    Claim("the same twice: z of a classifier", "z.normal", "0", None, for_each(lambda n: abs(n["z.normal"]) < 3)),
    Claim(f"the same twice: rejected by {KS}", "ks.rate", "5 %", None, at_its_level("ks")),
    Claim(f"the same twice: rejected by {KERNEL}", "mmd.rate", "5 %", None, at_its_level("mmd")),
    Claim("the same twice: rejected by a classifier, 250 samples", "c2st.rate", "5 %", None,
          at_its_level("c2st", exact=False)),
    Claim("classifier's logit and the true log density ratio: correlation", "ratio", "1", None,
          for_each(lambda n: n["ratio"] > 0.98)),
)  # fmt: skip
