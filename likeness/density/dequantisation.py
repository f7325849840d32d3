"""Noise inside a level, by which a density of numbers gives rounded samples a probability; learned, or uniform.

    P(x) = ∫ p(x + u) du  over  u ∈ (−Δ/2, Δ/2)^D                                                   (1)
    log P(x) ≥ E_q(u|x)[log p(x + u) − log q(u|x)]                                                  (2)
    u = Δ (S(f_x(S⁻¹(v))) − ½),   v ~ U(0, 1)^D,   S(t) = 1/(1 + e⁻ᵗ)                               (3)
    f_x: couplings  ε_a ← ε_a e^s + t,   (s, t) = NN(ε_b, x)  of the halves a and b in turn         (4)
    log P(x) ≥ E log (1/k) Σ_i p(x + u_i) / q(u_i|x),   u_i ~ q(u|x)                                (5)

With f_x = id, at which it begins, (3) is uniform noise and (2) the uniform bound; the paper's base is Gaussian, which
has no such start. The best q is p itself within the cell. What is computed of q is r = Δ^D q, its density relative to
that of uniform noise, so that log r = 0 is uniform noise.

Jonathan Ho, Xi Chen, Aravind Srinivas, Yan Duan, Pieter Abbeel. Flow++: Improving Flow-Based Generative Models with
Variational Dequantization and Architecture Design. 2019. https://arxiv.org/abs/1902.00275
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from likeness.density.latents import importance_weighted
from likeness.errors import InputError
from likeness.sampling import Streams

EDGE = 1e-6  # of a level: nearer to its ends float32 has no logits
Noise = tuple[Tensor, Tensor]  # u (n, *event) and log r(u|x) (n,)


class Uniform(nn.Module):
    """The same noise everywhere in a level of this width; a width of zero is none."""

    def __init__(self, width: float) -> None:
        super().__init__()
        self.width = width

    def forward(self, x: Float[Tensor, " n *event"], v: Float[Tensor, " n *event"]) -> Noise:
        return self.width * (v - 0.5), x.new_zeros(len(x))


class Coupling(nn.Module):
    """Moves half of the channels by what the other half and the image say; at first not at all."""

    def __init__(self, c: int, c_x: int, width: int) -> None:
        super().__init__()
        last = nn.Conv2d(width, 2 * c, 3, padding=1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]
        first, middle = nn.Conv2d(c + c_x, width, 3, padding=1), nn.Conv2d(width, width, 1)
        self.network = nn.Sequential(first, nn.ReLU(), middle, nn.ReLU(), last)

    def forward(self, kept: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """log-scale, within ±2, and shift."""
        s, t = self.network(torch.cat((kept, x), 1)).chunk(2, dim=1)
        return 2 * torch.tanh(s / 2), t


class Variational(nn.Module):
    """q(u|x) for images (n, c, h, w) of even sides, rounded to so many levels in [-1, 1].

    Args:
        steps: couplings, half of the pixels each.
        width: channels of the networks inside.

    Raises:
        InputError: a side is odd, or there are fewer than two levels.
    """

    def __init__(self, event: tuple[int, int, int], *, levels: int, steps: int = 4, width: int = 32) -> None:
        super().__init__()
        c, h, w = event
        if h % 2 or w % 2:
            raise InputError(f"images of {h} × {w} pixels: learned noise takes even sides; use another --size")
        if levels < 2:
            raise InputError(f"levels {levels}: a pixel has two values or more")
        self.levels, self.width = levels, 2 / (levels - 1)
        self.couplings = nn.ModuleList(Coupling(2 * c, 4 * c, width) for _ in range(steps))

    def forward(self, x: Float[Tensor, "n c h w"], v: Float[Tensor, "n c h w"]) -> Noise:
        start = v.clamp(EDGE, 1 - EDGE).logit()
        halves, at = list(F.pixel_unshuffle(start, 2).chunk(2, dim=1)), F.pixel_unshuffle(x, 2)
        log_r = _log_slope(start)
        for i, coupling in enumerate(self.couplings):
            s, t = coupling(halves[i % 2], at)
            halves[1 - i % 2] = halves[1 - i % 2] * s.exp() + t  # (4)
            log_r = log_r - s.flatten(1).sum(1)
        end = F.pixel_shuffle(torch.cat(halves, 1), 2)
        return self.width * (end.sigmoid() - 0.5), log_r - _log_slope(end)  # (3)

    def inverse(self, x: Float[Tensor, "n c h w"], u: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """The v that gives this noise."""
        end = (u / self.width + 0.5).clamp(EDGE, 1 - EDGE).logit()
        halves, at = list(F.pixel_unshuffle(end, 2).chunk(2, dim=1)), F.pixel_unshuffle(x, 2)
        for i in reversed(range(len(self.couplings))):
            s, t = self.couplings[i](halves[i % 2], at)
            halves[1 - i % 2] = (halves[1 - i % 2] - t) * (-s).exp()
        return F.pixel_shuffle(torch.cat(halves, 1), 2).sigmoid()


def rounded_log_prob(
    density: Callable[[Tensor], Tensor],
    dequantise: nn.Module,
    x: Float[Tensor, " n *event"],
    *,
    k: int,
    source: Streams,
) -> Float[Tensor, " n"]:
    """A lower bound of log P(x) in nats, by k draws of the noise: (2) for k = 1, (5) for more.

    Args:
        density: nats of samples (n, *event) that are not rounded.

    Raises:
        InputError: k is below one.
    """

    def log_weight() -> Tensor:
        u, log_r = dequantise(x, source.uniform(*x.shape, device=x.device))
        return density(x + u) - log_r  # (2)

    width: float = dequantise.width  # type: ignore[assignment]
    return importance_weighted(log_weight, k) + x[0].numel() * math.log(width)  # (1), (5)


def _log_slope(t: Tensor) -> Float[Tensor, " n"]:
    """Σ log S'(t)"""
    return -(F.softplus(t) + F.softplus(-t)).flatten(1).sum(1)
