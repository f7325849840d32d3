"""The penalty on the largest singular values of a network's layers, which keeps an energy from growing steep.

    R = Σ_l σ_max(W_l),   σ_max(W) = max uᵀ W v                                                     (1)
    u ← W v / ‖W v‖,   v ← Wᵀ u / ‖Wᵀ u‖                     power iteration                        (2)

u and v are kept from step to step, so that a few iterations follow weights that move slowly; the gradient of R is that
of uᵀ W v with both held. The matrix of a convolution has a row for each channel it makes.

Yuichi Yoshida, Takeru Miyato. Spectral Norm Regularization for Improving the Generalizability of Deep Learning. 2017.
https://arxiv.org/abs/1705.10941
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize

Matrices = Sequence[Float[Tensor, "_ _"]]


def matrices(network: nn.Module) -> list[Tensor]:
    """The weights of every linear and convolutional layer, as they act, (made, rest)."""
    kinds = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
    return [layer.weight.flatten(1) for layer in network.modules() if isinstance(layer, kinds)]


class SpectralPenalty(nn.Module):
    """R of matrices of these shapes; their singular vectors are its state."""

    def __init__(self, weights: Matrices) -> None:
        super().__init__()
        self.n = len(weights)
        for i, W in enumerate(weights):
            self.register_buffer(f"u{i}", normalize(torch.randn(W.shape[0]), dim=0))
            self.register_buffer(f"v{i}", normalize(torch.randn(W.shape[1]), dim=0))

    @torch.no_grad()
    def iterate(self, weights: Matrices, times: int) -> None:
        """Bring the vectors nearer to those of the largest singular values."""
        for W, u, v in zip(weights, *self._vectors(), strict=True):
            for _ in range(times):
                u.copy_(normalize(W @ v, dim=0))  # (2)
                v.copy_(normalize(W.T @ u, dim=0))

    def forward(self, weights: Matrices) -> Float[Tensor, ""]:
        return torch.stack([u @ W @ v for W, u, v in zip(weights, *self._vectors(), strict=True)]).sum()  # (1)

    def _vectors(self) -> tuple[list[Tensor], list[Tensor]]:
        u, v = ([getattr(self, f"{name}{i}") for i in range(self.n)] for name in "uv")
        return u, v
