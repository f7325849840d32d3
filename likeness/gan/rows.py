"""The last layer of a generator of table rows: categories and gaps are chosen, whole numbers are whole.

Given the generator's numbers h, the entries of a category (and a gap, with the logits 0 and h) are drawn by Gumbel's
maximum; the noise g is part of the latent vector, of as many standard normals as a row has entries:

    u = Φ(z_g),   g = −log(−log u)                                                                  (1)
    forward:    one-hot of argmax (h + g);     backward: as if it were softmax((h + g) / τ)           (2)

so that the critic sees legal rows only, and gradients reach h all the same. Free numbers in place of (2) would give a
generator away by entries that are neither zero nor one.

Eric Jang, Shixiang Gu, Ben Poole. Categorical Reparameterization with Gumbel-Softmax. 2017.
https://arxiv.org/abs/1611.01144
Lei Xu et al. Modeling Tabular Data using Conditional GAN. 2019. https://arxiv.org/abs/1907.00503 (τ = 0.2)
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from likeness.data.columns import Category, Columns
from likeness.nn.blocks import Labels


class RowGenerator(nn.Module):
    """`body` (latent vector → one number an entry of the row) with its last layer.

    The latent vector is that of the body, followed by `columns.width` normals that choose.
    """

    def __init__(self, body: nn.Module, columns: Columns, *, tau: float = 0.2) -> None:
        super().__init__()
        self.body, self.columns, self.tau = body, columns, tau
        self.widths: Sequence[int] = [column.width for column in columns.columns]

    def forward(self, z: Float[Tensor, "n d_z"], y: Labels = None) -> Float[Tensor, "n d"]:
        own, noise = z[:, : -self.columns.width], gumbel(z[:, -self.columns.width :])
        h = self.body(own) if y is None else self.body(own, y=y)
        parts = zip(self.columns.columns, h.split(self.widths, dim=1), noise.split(self.widths, dim=1))
        soft = torch.cat([self._entries(column, a, g) for column, a, g in parts], dim=1)
        with torch.no_grad():
            hard = self.columns.legal(soft)
        return soft + (hard - soft).detach()  # (2)

    def _entries(self, column: object, h: Tensor, g: Tensor) -> Tensor:
        if isinstance(column, Category):
            return ((h + g) / self.tau).softmax(1)  # (2)
        if h.shape[1] == 1:
            return h
        gap = ((h[:, 1:] + g[:, 1:] - g[:, :1]) / self.tau).sigmoid()  # the difference of two of them is logistic
        return torch.cat((h[:, :1] * (1 - gap), gap), dim=1)


def gumbel(z: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
    """Gumbel's noise from standard normals."""
    u = torch.special.ndtr(z).clamp(1e-6, 1 - 1e-6)  # (1)
    return -(-u.log()).log()  # (1)
