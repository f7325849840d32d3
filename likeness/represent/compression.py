"""Codes as bits: what a code costs to store when its numbers are rounded, and what that does to the reconstruction.

    cell      q_j = ⌊2ᵇ (z_j − low_j)/(high_j − low_j)⌋ in 0 … 2ᵇ − 1; the middle of its cell stands for z_j   (1)
    rate      b d_z / D bits a dimension of the sample, sent as they are                            (2)
    entropy   −(1/D) Σ_j mean log₂ p_j(q_j), sent by an arithmetic coder with the frequencies p_j
              of the training codes                                                                 (3)

The ranges and frequencies are those of training codes and count nothing, as the decoder's weights do not: this is a
codec for data of one kind. A rate without a distortion says nothing, nor the other way round.

Lucas Theis, Wenzhe Shi, Andrew Cunningham, Ferenc Huszár. Lossy Image Compression with Compressive Autoencoders. 2017.
https://arxiv.org/abs/1703.00395
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from likeness.errors import InputError


class Quantiser:
    """Numbers of a code to b bits each, and back.

    Args:
        tails: share of the training codes beyond each end of the range, which are sent as the last cell.

    Raises:
        InputError: bits are outside 1 … 16.
    """

    def __init__(self, bits: int, *, tails: float = 1e-3) -> None:
        if not 1 <= bits <= 16:
            raise InputError(f"{bits} bits for each number of a code: use 1 to 16")
        self.bits, self.tails, self.levels = bits, tails, 2**bits
        self.low, self.step, self.p = torch.empty(0), torch.empty(0), torch.empty(0)

    def fit(self, codes: Float[Tensor, "n d"]) -> "Quantiser":
        """The range of each number, and how often each cell comes up, from training codes."""
        z = codes.double()
        low, high = z.quantile(self.tails, dim=0), z.quantile(1 - self.tails, dim=0)
        self.low, self.step = low, (high - low).clamp_min(1e-12) / self.levels
        counts = torch.stack([torch.bincount(q, minlength=self.levels) for q in self.transform(codes).unbind(1)])
        self.p = (counts + 0.5) / (counts + 0.5).sum(1, keepdim=True)  # a cell that was never seen can be sent
        return self

    def transform(self, codes: Float[Tensor, "n d"]) -> Int[Tensor, "n d"]:
        return ((codes.double() - self.low) / self.step).floor().clamp(0, self.levels - 1).long()  # (1)

    def inverse_transform(self, q: Int[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        return (self.low + (q + 0.5) * self.step).float()  # (1)

    def rate(self, d_z: int, dimensions: int) -> float:
        """Bits a dimension of the sample, at the same length for each."""
        return self.bits * d_z / dimensions  # (2)

    def entropy(self, q: Int[Tensor, "n d"], dimensions: int) -> float:
        """Bits a dimension of the sample that a coder with the training frequencies would need for these codes."""
        return -float(self.p.T.gather(0, q).log2().sum(1).mean()) / dimensions  # (3)


def psnr(x: Float[Tensor, " n *event"], clean: Float[Tensor, " n *event"], span: float = 2.0) -> float:
    """10 log₁₀ span² / MSE in dB, over all samples; `span` is that of the values, 2 for images in [-1, 1]."""
    return float(10 * torch.log10(span**2 / (x - clean).double().square().mean()))
