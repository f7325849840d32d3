"""What goes wrong while an energy learns, in words.

    gap = E_samples[E] − E_data[E]                                                                     (1)

is near zero where chains draw from the model that data are from. Far above, the chains do not get down to where data
are; far below, they find places that are lower than data, and the next steps have to fill them. An objective without
samples falls for ever: log Z is what it forgets.

Yang Song, Diederik P. Kingma. How to Train Your Energy-Based Models. 2021. https://arxiv.org/abs/2101.03288
"""

import math
from collections.abc import Mapping
from typing import Any

from jaxtyping import Float
from torch import Tensor

from likeness.findings import Finding

LOOKS = 3


def gap(samples: Float[Tensor, " n"], data: Float[Tensor, " m"]) -> Tensor:
    """How much higher the energy of samples is than that of data."""
    return samples.mean() - data.mean()  # (1)


class Runaway:
    """Watches a quantity that should settle fall, or rise, by ever more."""

    def __init__(self, floor: float = 10.0) -> None:
        self.history: list[float] = []
        self.floor = floor

    def update(self, value: float) -> list[Finding]:
        self.history = [*self.history, float(value)][-LOOKS - 1 :]
        moves = [b - a for a, b in zip(self.history, self.history[1:], strict=False)]
        one_way = len(moves) == LOOKS and (all(m < 0 for m in moves) or all(m > 0 for m in moves))
        if not one_way or abs(value) < self.floor or abs(moves[-1]) < 0.9 * abs(moves[0]):
            return []
        saw = f"The energy runs away: from {self.history[0]:.3g} to {value:.3g} in {LOOKS} looks, without slowing down."
        remedy = "Raise the energy of samples too (contrastive divergence, noise contrast), or penalise its magnitude."
        return [Finding("energy-diverges", saw, remedy)]

    def state_dict(self) -> dict[str, Any]:
        return {"history": list(self.history)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.history = list(state["history"])


def judged_gap(value: float, d: int = 2) -> list[Finding]:
    """What a mean gap in nats says of samples of `d` numbers.

    Five standard deviations of the energy of a Gaussian, √(d/2) each, are no trouble.
    """
    limit = 5 * math.sqrt(d / 2)
    if abs(value) <= limit:
        return []
    if value > 0:
        saw = f"Samples lie {value:.3g} nats above data: the chains do not get down to where data are."
        return [Finding("energy-gap", saw, "Use more steps or larger ones, or a stronger penalty on the magnitude.")]
    saw = f"Samples lie {-value:.3g} nats below data: the chains found holes that data do not fill."
    return [Finding("energy-holes", saw, "Lower the learning rate, or strengthen the penalty on the magnitude.")]
