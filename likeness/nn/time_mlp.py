"""A residual perceptron of noisy vectors, told the noise level and the class: diffusion on points and tables.

    h ← h + W₂ silu((1 + s) LN(W₁ silu(LN h)) + b),   (s, b) from the embedding of t and y          (1)

The last layer begins at zero, so that the network does.

Prafulla Dhariwal, Alex Nichol. Diffusion Models Beat GANs on Image Synthesis. 2021. https://arxiv.org/abs/2105.05233
"""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import silu

from likeness.errors import InputError
from likeness.nn.blocks import Labels
from likeness.nn.time_embedding import Modulation, TimeEmbedding


class Block(nn.Module):
    """One residual block."""

    def __init__(self, width: int, d: int) -> None:
        super().__init__()
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width, elementwise_affine=False)
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)
        self.modulation = Modulation(d, width)

    def forward(self, h: Float[Tensor, "n width"], e: Float[Tensor, "n d"]) -> Float[Tensor, "n width"]:
        inner = self.modulation(self.between(self.first(silu(self.before(h)))), e)
        return h + self.second(silu(inner))  # (1)


class TimeMLP(nn.Module):
    """F(x, t, y): noisy vectors (n, d) to (n, outputs · d).

    Args:
        outputs: 1, or 2 for a network that also learns variances.
        depth: blocks.
        classes: how many there are, among them one for "no class" where guidance needs it; 0 for none.

    Raises:
        InputError: no block.
    """

    def __init__(self, d: int, *, outputs: int = 1, width: int = 128, depth: int = 3, classes: int = 0) -> None:
        super().__init__()
        if depth < 1:
            raise InputError(f"depth {depth}: a perceptron has one block or more")
        self.embedding = TimeEmbedding(width, width, classes)
        self.entry, self.out = nn.Linear(d, width), nn.Linear(width, outputs * d)
        self.blocks = nn.ModuleList(Block(width, width) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Float[Tensor, "n d"], t: Float[Tensor, " n"], y: Labels = None) -> Float[Tensor, "n out"]:
        e, h = self.embedding(t, y), self.entry(x)
        for block in self.blocks:
            h = block(h, e)
        return self.out(silu(self.norm(h)))
