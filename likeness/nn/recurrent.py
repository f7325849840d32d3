"""An LSTM that reads a sequence into one vector, and one that writes the sequence from it, step by step.

    h_t, c_t = LSTM(x_t, h_{t−1}, c_{t−1}),   z = h_T                                               (1)
    x̂_t = W LSTM(z, …)_t + b,   z given anew at every step                                          (2)

The decoder runs free: it never sees the sequence, so all it knows went through z. In `reverse` it writes the last step
first, as Srivastava et al. do: what was read last is needed first, and the way between the two is short.

What counts as a sequence: samples (n, t) of t numbers, (n, t, c) of t steps with c features, and images (n, c, h, w),
row by row: h steps of c·w features.

Nitish Srivastava, Elman Mansimov, Ruslan Salakhutdinov. Unsupervised Learning of Video Representations using LSTMs.
2015. https://arxiv.org/abs/1502.04681
"""

from math import prod

from jaxtyping import Float
from torch import Tensor, nn

from likeness.errors import InputError


def steps_of(event: tuple[int, ...]) -> tuple[int, int]:
    """Steps of a sample of this shape, and features of a step.

    Raises:
        InputError: there are not two steps or more.
    """
    if len(event) not in (1, 2, 3):
        raise InputError(f"samples of shape {event} are no sequences: give (t,), (t, features) or (c, h, w)")
    steps = event[1] if len(event) == 3 else event[0]
    if steps < 2:
        raise InputError(f"samples of shape {event} are sequences of {steps} step: an LSTM needs two or more")
    return steps, prod(event) // steps


def as_steps(x: Float[Tensor, " n *event"]) -> Float[Tensor, "n t f"]:
    """Samples as sequences."""
    if x.ndim == 4:
        return x.transpose(1, 2).flatten(2)
    return x[..., None] if x.ndim == 2 else x


def from_steps(s: Float[Tensor, "n t f"], event: tuple[int, ...]) -> Float[Tensor, " n *event"]:
    """Sequences as samples of this shape."""
    if len(event) == 3:
        return s.unflatten(2, (event[0], event[2])).transpose(1, 2)
    return s[..., 0] if len(event) == 1 else s


class LSTMEncoder(nn.Module):
    """Sequences to their last state; with another `width` than `d_z`, a linear layer lies between."""

    def __init__(self, event: tuple[int, ...], d_z: int, *, width: int | None = None) -> None:
        super().__init__()
        _, features = steps_of(event)
        width = width or d_z
        self.lstm = nn.LSTM(features, width, batch_first=True)
        self.head = nn.Identity() if width == d_z else nn.Linear(width, d_z)

    def forward(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n d_z"]:
        _, (h, _) = self.lstm(as_steps(x))  # (1)
        return self.head(h[-1])


class LSTMDecoder(nn.Module):
    """Codes to sequences of the shape `event`; in `reverse` the last first."""

    def __init__(self, event: tuple[int, ...], d_z: int, *, width: int | None = None, reverse: bool = False) -> None:
        super().__init__()
        self.event, self.reverse = event, reverse
        self.steps, features = steps_of(event)
        width = width or d_z
        self.lstm = nn.LSTM(d_z, width, batch_first=True)
        self.head = nn.Linear(width, features)

    def forward(self, z: Float[Tensor, "n d_z"]) -> Float[Tensor, " n *event"]:
        h, _ = self.lstm(z[:, None].expand(-1, self.steps, -1))
        x = self.head(h)  # (2)
        return from_steps(x.flip(1) if self.reverse else x, self.event)
