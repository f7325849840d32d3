"""A causal transformer of tokens: each position attends to itself and to those before it.

    Attention(Q, K, V) = softmax(Q Kᵀ / √d + M) V,    M_ij = 0 for j ≤ i, −∞ beyond    (1)
    x ← x + Attention(LN(x)),   x ← x + MLP(LN(x))                                    (2)
    q_m ← R(m θ) q_m,   k_m ← R(m θ) k_m                                              (3)

(2) is the pre-norm form; (3) turns pairs of numbers by their position (rotary), in place of learned positions. The
output layer is the embedding itself where weights are tied. Tokens are 0 … v − 1; v stands for the beginning. `step`
keeps keys and values of what is known, and gives what `forward` gives of the whole.

Ashish Vaswani et al. Attention Is All You Need. 2017. https://arxiv.org/abs/1706.03762
Jianlin Su et al. RoFormer: Enhanced Transformer with Rotary Position Embedding. 2021. https://arxiv.org/abs/2104.09864
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from likeness.errors import InputError
from likeness.nn.dropout import Dropout


class Cache(NamedTuple):
    """Keys and values of the first `at` tokens, (layers, n, heads, length, d); room for the rest is there already."""

    keys: Tensor
    values: Tensor
    at: int


def rotated(x: Float[Tensor, "n h t d"], first: int) -> Float[Tensor, "n h t d"]:
    """Pairs (x_i, x_{i + d/2}) turned by their position, the first of which is `first`."""
    half = x.shape[-1] // 2
    theta = 10_000 ** (-torch.arange(half, device=x.device) / half)
    angle = (first + torch.arange(x.shape[2], device=x.device))[:, None] * theta
    a, b = x[..., :half], x[..., half:]
    return torch.cat((a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()), -1)  # (3)


class Block(nn.Module):
    """One layer; rooms for keys and values are given where it goes on from what is known."""

    def __init__(self, width: int, heads: int, dropout: float, rotary: bool) -> None:
        super().__init__()
        self.heads, self.rotary = heads, rotary
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.dropout = Dropout(dropout)

    def forward(
        self, x: Float[Tensor, "n t w"], known: tuple[Tensor, Tensor] | None = None, at: int = 0
    ) -> Float[Tensor, "n t w"]:
        q, k, v = (p.unflatten(2, (self.heads, -1)).transpose(1, 2) for p in self.qkv(self.before(x)).chunk(3, 2))
        if self.rotary:
            q, k = rotated(q, at), rotated(k, at)
        if known is not None:
            for room, new in zip(known, (k, v)):
                room[:, :, at : at + 1] = new
            k, v = (room[:, :, : at + 1] for room in known)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=known is None)  # (1)
        x = x + self.dropout(self.out(y.transpose(1, 2).flatten(2)))
        return x + self.dropout(self.mlp(self.between(x)))  # (2)


class Transformer(nn.Module):
    """Tokens (n, t), at most `length` of them, to logits (n, t, v) of what follows each.

    Raises:
        InputError: the width cannot be shared out among the heads, or more tokens than `length` are asked for.
    """

    def __init__(
        self,
        vocabulary: int,
        length: int,
        *,
        width: int = 128,
        layers: int = 4,
        heads: int = 4,
        dropout: float = 0.1,
        rotary: bool = False,
        tied: bool = True,
    ) -> None:
        super().__init__()
        if width % (2 * heads):
            raise InputError(f"width {width} for {heads} heads: give a multiple of {2 * heads}")
        self.vocabulary, self.length, self.heads = vocabulary, length, heads
        self.embedding = nn.Embedding(vocabulary + 1, width)
        self.positions = None if rotary else nn.Parameter(0.02 * torch.randn(length, width))
        self.blocks = nn.ModuleList(Block(width, heads, dropout, rotary) for _ in range(layers))
        self.dropout, self.norm = Dropout(dropout), nn.LayerNorm(width)
        self.head = None if tied else nn.Linear(width, vocabulary, bias=False)
        nn.init.normal_(self.embedding.weight, std=0.02 if tied else 1.0)

    def start(self, n: int, length: int) -> Cache:
        """The empty cache, with room for `length` tokens."""
        self._check(length)
        width = self.embedding.weight.shape[1]
        room = self.embedding.weight.new_zeros(2, len(self.blocks), n, self.heads, length, width // self.heads)
        return Cache(room[0], room[1], 0)

    def forward(self, tokens: Int[Tensor, "n t"]) -> Float[Tensor, "n t v"]:
        self._check(tokens.shape[1])
        x = self._entry(tokens, 0)
        for block in self.blocks:
            x = block(x)
        return self._exit(x)

    def step(self, token: Int[Tensor, " n"], state: Cache) -> tuple[Float[Tensor, "n v"], Cache]:
        """Logits of what follows one more token, whose keys and values are put in their place in the cache."""
        x = self._entry(token[:, None], state.at)
        for i, block in enumerate(self.blocks):
            x = block(x, (state.keys[i], state.values[i]), state.at)
        return self._exit(x)[:, 0], state._replace(at=state.at + 1)

    def _entry(self, tokens: Tensor, first: int) -> Tensor:
        x = self.embedding(tokens)
        if self.positions is not None:
            x = x + self.positions[first : first + tokens.shape[1]]
        return self.dropout(x)

    def _exit(self, x: Tensor) -> Tensor:
        x = self.norm(x)
        return F.linear(x, self.embedding.weight[: self.vocabulary]) if self.head is None else self.head(x)

    def _check(self, length: int) -> None:
        if length > self.length:
            raise InputError(f"{length} tokens: this transformer sees {self.length} at most; ask for fewer")
