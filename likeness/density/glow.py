"""Glow: an invertible network for images, of couplings on two halves of the channels at several sizes.

    y = s ⊙ (x + b)                          with  h w Σ log |s|                      (1)
    y = W x at every pixel, W = P L (U + diag(s))  with  h w Σ log |s|                (2)
    y₁ = x₁,  y₂ = s ⊙ (x₂ + t),  s = σ(r) above a floor,  (r, t) = NN(x₁)  with  Σ log s    (3)
    log p(x) = log N(z; 0, I) + Σ log-determinants                                   (4)

(1) is actnorm, whose first values give the first batch mean zero and variance one (of the whole batch, whoever holds
it); (2) an invertible 1×1 convolution, (3) an affine coupling. Between sizes 2 × 2 pixels become channels and half of
the channels are done. Rounded pixels get noise within a level in training: uniform, and (4) is a density (`bits`
states the likelihood of the rounded images themselves); or learned (`dequantisation.Variational`), and `log_prob` is a
bound of the log-probability of the rounded images.

Diederik P. Kingma, Prafulla Dhariwal. Glow: Generative Flow with Invertible 1×1 Convolutions. 2018.
https://arxiv.org/abs/1807.03039
"""

import math
from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from likeness.core import Method, Update
from likeness.data.batch import Batch
from likeness.density.dequantisation import Uniform, Variational, rounded_log_prob
from likeness.density.logistics import check_levels
from likeness.errors import InputError
from likeness.ranks import batch_mean, per_sample
from likeness.sampling import Streams, streams

LEAST = 0.1  # scale of a coupling: without a floor a few draws in a hundred leave what a float can hold
Mapped = tuple[Tensor, Tensor]  # values (n, c, h, w) and log-determinants (n,), or of all samples alike ()


class ActNorm(nn.Module):
    """A scale and a shift for each channel."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.log_s, self.b = nn.Parameter(torch.zeros(c, 1, 1)), nn.Parameter(torch.zeros(c, 1, 1))

    def start(self, x: Float[Tensor, "n c h w"]) -> None:
        """Values that give this batch mean zero and variance one in every channel."""
        mean = batch_mean(x.mean((2, 3)))[:, None, None]
        variance = batch_mean((x - mean).square().mean((2, 3)))[:, None, None]
        self.b.data.copy_(-mean)
        self.log_s.data.copy_(-variance.clamp_min(1e-6).log() / 2)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Mapped:
        return self.log_s.exp() * (x + self.b), x[0, 0].numel() * self.log_s.sum()  # (1)

    def inverse(self, y: Float[Tensor, "n c h w"]) -> Tensor:
        return y * (-self.log_s).exp() - self.b


class Mixing(nn.Module):
    """An invertible 1×1 convolution, begun as a random rotation."""

    P: Tensor
    sign: Tensor

    def __init__(self, c: int) -> None:
        super().__init__()
        P, L, U = torch.linalg.lu(torch.linalg.qr(torch.randn(c, c))[0])
        s = U.diagonal()
        self.register_buffer("P", P)
        self.register_buffer("sign", s.sign())
        self.L, self.U, self.log_s = nn.Parameter(L), nn.Parameter(U), nn.Parameter(s.abs().log())

    def weight(self) -> Float[Tensor, "c c"]:
        unit = torch.eye(len(self.P)).to(self.P)
        return self.P @ (self.L.tril(-1) + unit) @ (self.U.triu(1) + (self.sign * self.log_s.exp()).diag())

    def forward(self, x: Float[Tensor, "n c h w"]) -> Mapped:
        return F.conv2d(x, self.weight()[:, :, None, None]), x[0, 0].numel() * self.log_s.sum()  # (2)

    def inverse(self, y: Float[Tensor, "n c h w"]) -> Tensor:
        return F.conv2d(y, torch.linalg.inv(self.weight().double()).to(y)[:, :, None, None])


class Coupling(nn.Module):
    """Scales and shifts half of the channels by what the other half says; at first alike everywhere."""

    def __init__(self, c: int, width: int) -> None:
        super().__init__()
        self.kept = c // 2
        last = nn.Conv2d(width, 2 * (c - self.kept), 3, padding=1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]
        first, middle = nn.Conv2d(self.kept, width, 3, padding=1), nn.Conv2d(width, width, 1)
        self.network = nn.Sequential(first, nn.ReLU(), middle, nn.ReLU(), last)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Mapped:
        x1, x2 = x[:, : self.kept], x[:, self.kept :]
        s, t = self._affine(x1)
        return torch.cat((x1, s * (x2 + t)), 1), s.log().flatten(1).sum(1)  # (3)

    def inverse(self, y: Float[Tensor, "n c h w"]) -> Tensor:
        y1, y2 = y[:, : self.kept], y[:, self.kept :]
        s, t = self._affine(y1)
        return torch.cat((y1, y2 / s - t), 1)

    def _affine(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        r, t = self.network(kept).chunk(2, dim=1)
        return LEAST + (1 - LEAST) * (r + 2).sigmoid(), t


class Glow(Method):
    """A flow for images (n, c, h, w) in [-1, 1].

    Args:
        sizes: how often the image is halved.
        steps: triples of (1), (2) and (3) at each size.
        width: channels of the networks in the couplings.
        levels: values that a pixel can have; None for images that are not rounded.
        dequantise: learned noise within a level, of as many levels; uniform if not given.

    Raises:
        InputError: a side of the image cannot be halved so often, or the levels are below two, or not those of the
            noise; in training with learned noise, samples that are not of these levels.
    """

    log_prob_kind = "exact"
    levels: int | None = None  # of whose values `log_prob` is the probability; None where it is a density

    def __init__(
        self,
        event: Sequence[int],
        *,
        sizes: int = 2,
        steps: int = 4,
        width: int = 64,
        levels: int | None = 256,
        dequantise: Variational | None = None,
    ) -> None:
        super().__init__()
        c, h, w = event
        if sizes < 1 or h % 2**sizes or w % 2**sizes:
            raise InputError(f"images of {h} × {w} pixels cannot be halved {sizes} times: use fewer, or another --size")
        if levels is not None and levels < 2:
            raise InputError(f"levels {levels}: a pixel has two values or more")
        self.event, self.sizes = (c, h, w), sizes
        self.dequantise: nn.Module = Uniform(0.0 if levels is None else 2 / (levels - 1))
        if dequantise is not None:
            if dequantise.levels != levels:
                raise InputError(f"noise of {dequantise.levels} levels for pixels of {levels}: give both the same")
            self.dequantise, self.levels, self.log_prob_kind = dequantise, levels, "bound"
        channels = [4 * c * 2**i for i in range(sizes)]  # half of four times as many go on
        self.layers = nn.ModuleList(
            nn.ModuleList(layer for _ in range(steps) for layer in (ActNorm(k), Mixing(k), Coupling(k, width)))
            for k in channels
        )

    def updates(self, batch: Batch) -> Iterator[Update]:
        x, v = batch.x, per_sample(len(batch.x), lambda n: torch.rand(n, *self.event, device=batch.x.device))
        if self.iteration == 0:  # later a check would wait for the device at every step
            if self.levels is not None:
                check_levels(x, self.levels)
            self._encode(x + self.dequantise(x, v)[0], start=True)
        yield self, lambda: {"nll": self._cost(x, v).mean()}

    def _cost(self, x: Tensor, v: Tensor) -> Tensor:
        """What these samples cost with this noise, relative to uniform noise."""
        u, log_r = self.dequantise(x, v)
        return log_r - self.density(x + u)

    def density(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
        """Nats of the density at these pixels, exact."""
        z, volume = self._encode(x)
        return volume - z.square().sum(1) / 2 - z.shape[1] / 2 * math.log(2 * math.pi)  # (4)

    def log_prob(
        self, x: Float[Tensor, "n c h w"], *, k: int = 16, generator: int | Streams | None = 0
    ) -> Float[Tensor, " n"]:
        """The density; with learned noise a bound, by k draws of it, of the log-probability of rounded images.

        Raises:
            InputError: the noise is learned, and values are not of its levels.
        """
        if self.levels is None:
            return self.density(x)
        check_levels(x, self.levels)
        return rounded_log_prob(self.density, self.dequantise, x, k=k, source=streams(generator))

    def encode(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        """z, which `decode` inverts."""
        return self._encode(x)[0]

    def _encode(self, x: Tensor, *, start: bool = False) -> Mapped:
        done, volume = [], x.new_zeros(len(x))
        for size in self.layers:
            x = F.pixel_unshuffle(x, 2)
            for layer in size:  # type: ignore[attr-defined]
                if start and isinstance(layer, ActNorm):
                    layer.start(x)
                x, change = layer(x)
                volume = volume + change
            x, z = x.chunk(2, dim=1)
            done.append(z.flatten(1))
        return torch.cat([*done, x.flatten(1)], 1), volume

    def decode(self, z: Float[Tensor, "n d"]) -> Float[Tensor, "n c h w"]:
        """The images whose latents these are; gradients reach z."""
        c, h, w = self.event
        halves = [(2 * c * 2**i, h // 2 ** (i + 1), w // 2 ** (i + 1)) for i in range(self.sizes)]
        *parts, rest = z.split([math.prod(s) for s in halves] + [math.prod(halves[-1])], dim=1)
        x = rest.unflatten(1, halves[-1])
        for size, part, shape in zip(reversed(self.layers), reversed(parts), reversed(halves), strict=True):
            x = torch.cat((x, part.unflatten(1, shape)), 1)
            for layer in reversed(size):  # type: ignore[call-overload]
                x = layer.inverse(x)
            x = F.pixel_shuffle(x, 2)
        return x

    @torch.no_grad()
    def sample(self, n: int, *, generator: int | Streams | None = None) -> Float[Tensor, "n c h w"]:
        device = next(self.parameters()).device
        return self.decode(streams(generator).normal(n, math.prod(self.event), device=device))
