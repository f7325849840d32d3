"""Matrix factorisation: a rating is the product of a user's vector and an item's, beside what both are like on average.

    r̂_ui = μ + b_u + b_i + p_u · q_i                                                               (1)
    min  1/N Σ_{(u,i) seen} (r_ui − r̂_ui)² + λ/N (Σ_u (b_u² + |p_u|²) + Σ_i (b_i² + |q_i|²))        (2)

Cells that were not seen cost nothing. Without λ it memorises: 15 × 15 ratings are fewer than twice its numbers, and a
table it fits to 0.4 it predicts worse than the mean does. `fit` takes the whole table at once.

Yehuda Koren, Robert Bell, Chris Volinsky. Matrix Factorization Techniques for Recommender Systems. 2009.
https://doi.org/10.1109/MC.2009.263
"""

from collections.abc import Iterator
from itertools import repeat

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.optim import Adam

from likeness.core import Method, Update, train
from likeness.data.batch import Batch
from likeness.data.ratings import Ratings
from likeness.errors import InputError


class MatrixFactorisation(Method):
    """Batches hold (n, 2) ids of user and item, and their ratings y (n,).

    Args:
        d: numbers of a vector; 0 leaves the biases alone.
        biases: with μ, b_u and b_i; else the product alone.
        mean: μ, which is not learned.
        l2: λ/N.

    Raises:
        InputError: fewer than two users or items, nothing to learn, or λ below zero.
    """

    mu: Tensor

    def __init__(
        self, users: int, items: int, d: int = 5, *, biases: bool = True, mean: float = 0.0, l2: float = 0.0
    ) -> None:
        super().__init__()
        if users < 2 or items < 2:
            raise InputError(f"{users} users and {items} items: nothing is shared among them; give two or more of each")
        if d < 0 or (d == 0 and not biases) or l2 < 0:
            raise InputError(f"d {d}, biases {biases}, l2 {l2:g}: give vectors or biases, and a penalty of 0 or more")
        self.biases, self.l2 = biases, l2
        self.P, self.Q = nn.Embedding(users, d), nn.Embedding(items, d)
        self.b_u, self.b_i = nn.Embedding(users, 1), nn.Embedding(items, 1)
        for table in (self.P, self.Q):
            nn.init.normal_(table.weight, std=max(d, 1) ** -0.25 * 0.3)
        for table in (self.b_u, self.b_i):
            nn.init.zeros_(table.weight).requires_grad_(biases)
        for table in (self.P, self.Q):
            table.weight.requires_grad_(d > 0)
        self.register_buffer("mu", torch.tensor(mean if biases else 0.0))

    def updates(self, batch: Batch) -> Iterator[Update]:
        assert batch.y is not None
        r = batch.y
        yield self, lambda: {"squared_error": (r - self(batch.x)).square().mean()} | self._penalty()  # (2)

    def forward(self, x: Int[Tensor, "n 2"]) -> Float[Tensor, " n"]:
        """The ratings that are expected of users and items."""
        u, i = x.unbind(1)
        return self.mu + self.b_u(u)[:, 0] + self.b_i(i)[:, 0] + (self.P(u) * self.Q(i)).sum(1)  # (1)

    @torch.no_grad()
    def table(self) -> Float[Tensor, "users items"]:
        """Every cell, those that nobody has rated among them."""
        return self.mu + self.b_u.weight + self.b_i.weight.T + self.P.weight @ self.Q.weight.T

    @torch.no_grad()
    def rmse(self, x: Int[Tensor, "n 2"], r: Float[Tensor, " n"]) -> float:
        """The root of the mean squared error of these ratings."""
        return float((self(x) - r).square().mean().sqrt())

    def _penalty(self) -> dict[str, Tensor]:
        if not self.l2:
            return {}
        tables = [t.weight for t in (self.P, self.Q, self.b_u, self.b_i) if t.weight.requires_grad]
        return {"l2": self.l2 * torch.stack([t.square().sum() for t in tables]).sum()}


def fit(
    seen: Ratings,
    *,
    d: int = 5,
    biases: bool = True,
    l2: float = 0.0,
    steps: int = 2000,
    lr: float = 0.02,
    seed: int = 0,
) -> MatrixFactorisation:
    """Of all cells that were seen, by Adam on the whole table at once; `l2` is λ, for the sum of squared errors."""
    torch.manual_seed(seed)
    n, mean = len(seen.r), float(seen.r.mean())
    method = MatrixFactorisation(len(seen.users), len(seen.items), d, biases=biases, mean=mean, l2=l2 / n)
    moves = Adam([p for p in method.parameters() if p.requires_grad], lr)
    for step in train(method, repeat(Batch(seen.x, seen.r), steps), moves):
        for group in moves.param_groups:
            group["lr"] = lr * min(1.0, 4 * (1 - step.iteration / steps) + 1e-3)
    return method
