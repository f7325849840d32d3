"""Rows of a generator are legal, its choices follow the logits, and gradients reach them."""

import pyarrow as pa
import torch
from torch import nn

from likeness.data.batch import Batch
from likeness.data.columns import fit
from likeness.gan.game import GAN
from likeness.gan.rows import RowGenerator, gumbel
from likeness.nn import MLP, VectorCritic
from likeness.testing import check_method

TABLE = pa.table(
    {"a": [0.5, 1.5, None, 3.0] * 5, "count": list(range(20)), "kind": ["x", "y", "z", "x"] * 5, "b": [0.1, 0.2] * 10}
)
COLUMNS = fit(TABLE)


class Constant(nn.Module):
    """The same numbers for every latent vector."""

    def __init__(self, h: torch.Tensor) -> None:
        super().__init__()
        self.h = nn.Parameter(h)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.h.expand(len(z), -1)


def test_contract() -> None:
    def build() -> GAN:
        body = MLP(4, COLUMNS.width, width=16)
        d_z = 4 + COLUMNS.width
        return GAN(RowGenerator(body, COLUMNS), VectorCritic(COLUMNS.width, width=16), d_z=d_z)

    def moves(m: GAN):
        return {player: torch.optim.Adam(player.parameters()) for player in (m.D, m.G)}

    check_method(build, Batch(COLUMNS.encode(TABLE)), moves)


def test_every_row_is_legal() -> None:
    torch.manual_seed(0)
    G = RowGenerator(MLP(4, COLUMNS.width), COLUMNS)
    x = G(3 * torch.randn(500, 4 + COLUMNS.width))
    torch.testing.assert_close(x, COLUMNS.legal(x), atol=1e-6, rtol=0)
    gap = COLUMNS.entries.index("a: gap")
    assert 0 < x[:, gap].mean() < 1
    assert (x[x[:, gap] > 0.5, gap - 1].abs() < 1e-6).all(), "the number of a gap is zero, as in encoded data"


def test_choices_follow_the_logits() -> None:
    h = torch.zeros(COLUMNS.width)
    gap, kinds = COLUMNS.entries.index("a: gap"), [i for i, e in enumerate(COLUMNS.entries) if e.startswith("kind")]
    h[gap], h[kinds] = 1.0, torch.tensor([2.0, 0.0, -1.0])
    x = RowGenerator(Constant(h), COLUMNS)(torch.randn(50_000, COLUMNS.width))
    assert torch.allclose(x[:, kinds].mean(0), h[kinds].softmax(0), atol=0.01)
    assert torch.allclose(x[:, gap].mean(), h[gap].sigmoid(), atol=0.01)


def test_a_gradient_reaches_every_number() -> None:
    G = RowGenerator(Constant(torch.zeros(COLUMNS.width)), COLUMNS)
    (G(torch.randn(200, COLUMNS.width)) * torch.arange(1.0, COLUMNS.width + 1)).sum().backward()
    assert (G.body.h.grad.abs() > 0).all()


def test_the_noise_is_gumbels() -> None:
    g = gumbel(torch.randn(200_000, 1))
    assert abs(float(g.mean()) - 0.5772) < 0.01
    assert abs(float(g.var()) - torch.pi**2 / 6) < 0.03
