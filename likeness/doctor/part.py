"""One thing that was looked at: numbers with their names, charts, and what there is to say."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.findings import Finding


class Part(NamedTuple):
    """A section of a diagnosis.

    Attributes:
        words: what the numbers come to, one plain sentence each; `findings` are what is wrong and what to try.
        numbers: named values; an interval is (value, low, high).
        charts: figures as HTML.
        pictures: files in the folder of the run.
    """

    anchor: str
    title: str
    words: Sequence[str] = ()
    numbers: Mapping[str, Any] = MappingProxyType({})
    charts: Sequence[str] = ()
    findings: Sequence[Finding] = ()
    pictures: Sequence[str] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        told = {"words": list(self.words), "findings": [f._asdict() for f in self.findings]}
        return {"title": self.title, "numbers": dict(self.numbers), **told}


Interval = tuple[float, float, float]  # value, low, high


def mean_of(values: Float[Tensor, " n"]) -> Interval:
    """A mean with its 95 % interval, by the normal law."""
    value, reach = float(values.double().mean()), 1.96 * float(values.double().std()) / len(values) ** 0.5
    return value, value - reach, value + reach


def difference_of(a: Float[Tensor, " n"], b: Float[Tensor, " m"]) -> Interval:
    """The mean of a less that of b, of independent samples, with its 95 % interval."""
    value = float(a.double().mean() - b.double().mean())
    reach = 1.96 * float(torch.sqrt(a.double().var() / len(a) + b.double().var() / len(b)))
    return value, value - reach, value + reach


def said(interval: Interval) -> str:
    """An interval in words."""
    return f"{interval[0]:.3g} [{interval[1]:.3g}, {interval[2]:.3g}]"
