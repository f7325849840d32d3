"""What the card `vae-sigma` claims: the table of σ, the losses that average, learned σ, and the prediction for MNIST.

What stands as published is what the linear theory predicts; no publication has these figures.
"""

from collections.abc import Sequence
from itertools import pairwise

from likeness.papers.card import Claim, Grid, Numbers, Scale, Verdict, for_each

SIGMAS = (2.0, 1.0, 0.707, 0.5, 0.3, 0.2, 0.1, 0.05)


def collapses(seeds: Sequence[Numbers]) -> bool:
    """Nothing is encoded where σ exceeds the spread of the widest direction."""
    return all(
        n[f"{s}.kl"] < 0.05 for n in seeds for s in SIGMAS if f"{s}.kl" in n and s > n["threshold"]
    )  # fmt: skip


def falls(seeds: Sequence[Numbers]) -> bool:
    """The error falls from each σ to the next smaller one, where not both have collapsed."""
    for n in seeds:
        errors = [n[f"{s}.error"] for s in SIGMAS if f"{s}.error" in n and s < n["threshold"]]
        if any(b > a for a, b in pairwise(errors)):
            return False
    return True


def within(key: str, other: str, share: float) -> Verdict:
    return for_each(lambda n: abs(n[key] / n[other] - 1) < share)


ALL: tuple[Scale, ...] = ("quick", "laptop", "gpu")

SUMS = (
    Claim("threshold of a linear VAE: √λ_max of digits", "threshold", None),
    Claim("σ = 1, above it: KL (nats)", "1.0.kl", "0", None, collapses, ALL),
    Claim("σ = 0.1, below it: KL (nats)", "0.1.kl", None, None, for_each(lambda n: n["0.1.kl"] > 10), ALL),
    Claim("mean with σ = 0.1 (effective 0.8): KL (nats)", "mean.0.1.kl", None, "0.1.kl",
          for_each(lambda n: n["mean.0.1.kl"] < 0.5)),
    Claim("mean with σ = 1 (effective 8): KL (nats)", "mean.1.kl", "0", "1.0.kl",
          for_each(lambda n: n["mean.1.kl"] < 0.05), ALL),
    Claim("mean with σ = 0.1: variance of draws", "mean.0.1.variance", None, "data.variance"),
    Claim("mean with σ = 0.1/√64: squared error", "mean.right.error", None, "0.1.error",
          within("mean.right.error", "0.1.error", 0.05), ALL),
    Claim("alarm of a collapse where σ = 1 is averaged", "mean.1.alarm", None, "mean.right.alarm",
          for_each(lambda n: n["mean.1.alarm"] == 1 and n["mean.right.alarm"] == 0), ALL),
    Claim("… and it names the mean as the cause", "mean.1.named", None, None,
          for_each(lambda n: n["mean.1.named"] == 1), ALL),
)  # fmt: skip

LEARNED = (
    Claim("a learned σ (pixels in [0, 1])", "shared.sigma", "the training error", "shared.rmse",
          for_each(lambda n: abs(n["shared.ratio"] - 1) < 0.05), ALL),
    Claim("a σ for each pixel: −ELBO, unseen (nats)", "map.negative_elbo", None, "map.fixed",
          for_each(lambda n: n["map.negative_elbo"] < n["map.fixed"])),
    Claim("a learned shared σ: −ELBO, unseen (nats)", "shared.negative_elbo", None, "map.fixed"),
    Claim("… the σ of columns at the edge", "map.border", None, "map.middle",
          for_each(lambda n: n["map.border"] < n["map.middle"]), ALL),
    Claim("… the highest of all pixels", "map.highest", None, "map.lowest"),
)  # fmt: skip

SWEEP = (Claim("squared error falls with σ: at the smallest", "0.05.error", None, "0.5.error", falls, ALL),)
TABLE = Grid(
    {f"{s}": f"σ = {s:g}" for s in SIGMAS},
    {
        "error": "squared error",
        "kl": "KL, nats",
        "active": "latents used",
        "linear": "… of a linear VAE",
        "negative_elbo": "−ELBO, nats",
        "means": "Fréchet, means",
        "samples": "Fréchet, samples",
    },
)

DRAWS = (
    Claim("best σ for draws (means), beside the best for the bound", "best.means", None, "best.bound",
          for_each(lambda n: n["best.means"] != n["best.bound"]), ("gpu",)),
    Claim("best σ for draws (means), beside the best for reconstructions", "best.means", None, "best.error",
          for_each(lambda n: n["best.means"] > n["best.error"]), ALL),
    Claim("Fréchet distance of draws (means) at the smallest σ", "frechet.sharpest", None, "frechet.best",
          for_each(lambda n: n["frechet.sharpest"] > 1.2 * n["frechet.best"]), ALL),
)  # fmt: skip

IMAGES = (
    Claim("MNIST: √λ_max", "mnist.threshold", None, "mnist.sigma", None),
    Claim("MNIST, mean with σ = 0.1 (effective 2.8): KL (nats)", "mnist.mean.kl", "0", "mnist.sum.kl",
          for_each(lambda n: n["mnist.mean.kl"] < 0.05)),
    Claim("MNIST, sum with σ 15 % above the threshold: KL (nats)", "mnist.above.kl", "0", "mnist.below.kl",
          for_each(lambda n: n["mnist.above.kl"] < 0.05 and n["mnist.below.kl"] > 0.5)),
    Claim("MNIST, sum with σ = 0.1: KL (nats)", "mnist.sum.kl", None, None,
          for_each(lambda n: n["mnist.sum.kl"] > 10)),
)  # fmt: skip

DIGITS = SUMS + LEARNED + DRAWS + SWEEP
