"""Part of the card of embeddings: ratings, where a small table is memorised and a larger one of low rank understood.

The small table has the shape of the one that courses show (15 users, 15 films, 206 cells seen, half stars) and is made:
a mean, generous users and good films, little taste and much chance. So figures published of that table (0.39) are not
set beside its own.
"""

from typing import Any

import torch

from likeness.data.ratings import Ratings, held_out, made_ratings
from likeness.embed.matrix_factorisation import MatrixFactorisation, fit
from likeness.papers.card import Claim, Scale, for_each

REPEATS: dict[Scale, int] = {"quick": 1, "laptop": 5, "gpu": 20}
STEPS: dict[Scale, int] = {"quick": 60, "laptop": 500, "gpu": 2000}
KINDS: dict[str, dict[str, Any]] = {
    "dot": {"biases": False},
    "bias": {},
    "dot_l2": {"biases": False, "l2": 3.0},
    "bias_l2": {"l2": 3.0},
    "bias_only": {"d": 0},
}


def small(seed: int) -> Ratings:
    made = made_ratings(15, 15, rank=3, noise=0.75, seen=206 / 225, generous=0.4, taste=0.3, seed=seed)
    return Ratings(made.users, made.items, made.x, (2 * made.r).round().clamp(1, 10) / 2)


def of_ratings(seed: int, scale: Scale) -> dict[str, float]:
    """Errors on the small table, seen and held out, how biases go with the means of users, and the larger table."""
    given, repeats = small(seed), REPEATS[scale]
    found: dict[str, float] = {f"{name}.fitted": _fitted(given, scale, seed, **KINDS[name]) for name in ("dot", "bias")}
    for k in range(repeats):
        seen, out = held_out(given, 0.2, seed=k)
        errors = {name: _rmse(seen, out, scale, k, **given_) for name, given_ in KINDS.items()}
        errors["mean"] = float((out.r - seen.r.mean()).square().mean().sqrt())
        for name, error in errors.items():
            found[f"{name}.held_out"] = found.get(f"{name}.held_out", 0.0) + error / repeats
    means = torch.stack([given.r[given.x[:, 0] == u].mean() for u in range(len(given.users))])
    for name, l2 in (("plain", 0.0), ("l2", 3.0)):
        b = _made(given, scale, seed, l2=l2).b_u.weight[:, 0].detach()
        found[f"generous.{name}"] = float(torch.corrcoef(torch.stack((b, means)))[0, 1])
    seen, out = held_out(made_ratings(200, 100, rank=5, noise=0.3, seen=0.3, seed=seed), 0.1, seed=seed)
    found["large"] = _rmse(seen, out, scale, seed, l2=0.5)
    return found | {"large.bias_only": _rmse(seen, out, scale, seed, d=0)}


def _made(seen: Ratings, scale: Scale, seed: int, **given: float) -> MatrixFactorisation:
    return fit(seen, **({"d": 5} | given), steps=STEPS[scale], lr=0.03, seed=seed)  # type: ignore[arg-type]


def _fitted(seen: Ratings, scale: Scale, seed: int, **given: float) -> float:
    return _rmse(seen, seen, scale, seed, **given)


def _rmse(seen: Ratings, out: Ratings, scale: Scale, seed: int, **given: float) -> float:
    return _made(seen, scale, seed, **given).rmse(out.x, out.r)


CLAIMS = (
    Claim("made table, 15 × 15: RMSE of the cells it learned from, products of 5 numbers", "dot.fitted", None,
          "mean.held_out", for_each(lambda n: n["dot.fitted"] < 0.5 * n["mean.held_out"])),
    Claim("the same with biases", "bias.fitted", None, "dot.fitted",
          for_each(lambda n: n["bias.fitted"] < n["dot.fitted"])),
    Claim("RMSE of cells held out, products", "dot.held_out", None, "mean.held_out",
          for_each(lambda n: n["dot.held_out"] > n["mean.held_out"])),
    Claim("the same with biases", "bias.held_out", None, "mean.held_out"),
    Claim("the same, products and λ = 3", "dot_l2.held_out", None, "dot.held_out",
          for_each(lambda n: n["dot_l2.held_out"] < n["dot.held_out"])),
    Claim("the same, biases and λ = 3", "bias_l2.held_out", None, "bias.held_out",
          for_each(lambda n: n["bias_l2.held_out"] < n["bias.held_out"])),
    Claim("the same, biases alone", "bias_only.held_out", None, "mean.held_out"),
    Claim("correlation of b_u with the means of users, λ = 3", "generous.l2", None, "generous.plain",
          for_each(lambda n: n["generous.l2"] > 0.9)),
    Claim("made table of rank 5, 200 × 100, 30 % seen, noise 0.3: RMSE of cells held out", "large", None,
          "large.bias_only", for_each(lambda n: n["large"] < min(0.4, 0.5 * n["large.bias_only"]))),
)  # fmt: skip
