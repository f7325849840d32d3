"""A made table of ten numeric and five categorical columns whose dependence is known.

A latent class k and two latent factors f lie behind the columns; given these, all of them are independent, but that
the gaps of `visits` look at `member`.

    k ~ Categorical(0.5, 0.3, 0.2),   f | k ~ N(μₖ, I₂)                                              (1)
    yⱼ = λⱼ · f + ψⱼ ε,   ε ~ N(0, 1)                                                               (2)

numbers     height, weight, age and speed are yⱼ, age in years as a whole number; income = exp y, skewed; share is the
            logistic function of y; delay = y + ψ t₃, heavy-tailed; curve = f₁² + noise, which depends on f₁ and is
            hardly correlated with it; rating lacks 10 % of its values wherever they are, visits 30 % where `member`
            is true and 5 % elsewhere
categories  kind is k, wrong in 5 %; grade is one of four equal parts of f₁; member is true with the chance that
            f₂ gives it by the logistic function; region is drawn by k from five; colour by k from three, and 8 % are
            missing

The law is of the kind that factor analysis of mixed data assumes: Jérôme Pagès. Multiple Factor Analysis by Example
Using R. 2014. https://doi.org/10.1201/b17700
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from likeness.sampling import Streams

if TYPE_CHECKING:
    import pyarrow as pa

WEIGHTS = torch.tensor([0.5, 0.3, 0.2])
CENTRES = torch.tensor([[-1.0, 0.5], [1.0, 1.0], [0.5, -1.5]])
# Of each number: its λ, its ψ, and where it lies.
LINEAR: Mapping[str, tuple[tuple[float, float], float, float]] = {
    "height": ((0.7, 0.2), 0.5, 17.0),
    "weight": ((0.8, -0.3), 0.6, 70.0),
    "age": ((2.0, 6.0), 6.0, 45.0),
    "speed": ((-0.5, 0.6), 0.8, 3.0),
    "income": ((0.5, 0.4), 0.4, 3.0),
    "share": ((0.8, -0.8), 0.6, 0.0),
    "delay": ((0.9, 0.5), 0.7, 5.0),
    "rating": ((0.6, 0.6), 0.5, 6.0),
    "visits": ((0.4, 1.0), 0.7, 9.0),
}
KINDS, GRADES, COLOURS = ("basic", "extra", "luxury"), ("A", "B", "C", "D"), ("blue", "green", "red")
REGIONS = ("centre", "east", "north", "south", "west")
REGION_BY_KIND = torch.tensor([[4, 3, 1, 1, 1], [1, 1, 4, 3, 1], [1, 1, 1, 2, 5]]) / 10
COLOUR_BY_KIND = torch.tensor([[7, 2, 1], [2, 6, 2], [2, 2, 6]]) / 10
CUTS = torch.tensor([-1.09, -0.11, 0.97])  # quartiles of f₁


def rows(n: int, *, generator: int | Streams) -> "pa.Table":
    """`n` rows; row i depends on the seed and on i alone."""
    import pyarrow as pa

    source = generator if isinstance(generator, Streams) else Streams(generator)
    k = chosen(WEIGHTS.expand(n, 3), source.uniform(n))
    f = CENTRES[k] + source.normal(n, 2)  # (1)
    numbers = _numbers(f, source)
    member = source.uniform(n) < (1.5 * f[:, 1]).sigmoid()
    wrong, other = source.uniform(n) < 0.05, source.integers(n, 2)
    told = torch.where(wrong, (k + 1 + other) % 3, k)
    region, colour = (chosen(p[k], source.uniform(n)) for p in (REGION_BY_KIND, COLOUR_BY_KIND))
    u = source.uniform(n, 3)
    gaps = {"rating": u[:, 0] < 0.1, "visits": u[:, 1] < torch.where(member, 0.3, 0.05)}
    grade = torch.bucketize(f[:, 0].contiguous(), CUTS)
    return pa.table(
        {name: pa.array(_plain(name, y), mask=_mask(gaps.get(name), n)) for name, y in numbers.items()}
        | {
            "kind": pa.array(np.array(KINDS)[told.numpy()]),
            "grade": pa.array(np.array(GRADES)[grade.numpy()]),
            "member": pa.array(member.numpy()),
            "region": pa.array(np.array(REGIONS)[region.numpy()]),
            "colour": pa.array(np.array(COLOURS)[colour.numpy()], mask=_mask(u[:, 2] < 0.08, n)),
        }
    )


def chosen(p: Tensor, u: Tensor) -> Tensor:
    """One of the places of each row of probabilities."""
    return torch.searchsorted(p.cumsum(1), u[:, None]).clamp_max(p.shape[1] - 1)[:, 0]


def _numbers(f: Tensor, source: Streams) -> dict[str, Tensor]:
    noise, tail = source.normal(len(f), len(LINEAR) + 1), source.normal(len(f), 3)
    y = {
        name: at + f @ torch.tensor(loads) + psi * noise[:, j]  # (2)
        for j, (name, (loads, psi, at)) in enumerate(LINEAR.items())
    }
    y["income"] = y["income"].exp()
    y["share"] = y["share"].sigmoid()
    y["delay"] += LINEAR["delay"][1] * noise[:, 6] * (tail.square().mean(1).rsqrt() - 1)
    return y | {"curve": f[:, 0].square() + 0.3 * noise[:, -1]}


def _plain(name: str, y: Tensor) -> np.ndarray:
    return y.round().clamp_min(0).long().numpy() if name == "age" else y.double().numpy()


def _mask(gap: Tensor | None, n: int) -> np.ndarray:
    return np.zeros(n, dtype=bool) if gap is None else gap.numpy()
