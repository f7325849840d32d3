"""Any objective trains any network, of scores or of an energy, and they find the same Gaussian."""

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Adam

from likeness.core import train
from likeness.data.batch import Batch
from likeness.energy.conservative import Conservative
from likeness.energy.denoising import denoising
from likeness.energy.score_matching import Objective, regularised
from likeness.energy.scores import OBJECTIVES, ScoreMatching
from likeness.nn.vector import MLP, VectorCritic
from likeness.testing import check_method

ALL: dict[str, Objective] = OBJECTIVES | {"denoising": denoising(0.5), "regularised": regularised(0.1)}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("energy", [False, True])
def test_contract(name: str, energy: bool) -> None:
    def build() -> ScoreMatching:
        s = VectorCritic(3, width=8, activation=nn.SiLU) if energy else MLP(3, 3, width=8, activation=nn.SiLU)
        return ScoreMatching(Conservative(s) if energy else s, ALL[name])

    constant = ("s.energy.head.linear.bias",) if energy else ()  # moves the energy up and down
    check_method(build, Batch(torch.randn(9, 3)), lambda m: Adam(m.parameters()), idle=constant)


class Linear(nn.Module):
    """The score −A (x − b) of a Gaussian."""

    def __init__(self) -> None:
        super().__init__()
        self.A, self.b = nn.Parameter(torch.eye(2)), nn.Parameter(torch.zeros(2))

    def forward(self, x: Tensor) -> Tensor:
        return -(x - self.b) @ self.A.T


@pytest.mark.parametrize("name", ["exact", "variance-reduced", "rademacher", "denoising"])
def test_a_gaussian_is_found(name: str) -> None:
    S, mean = torch.tensor([[2.0, 0.8], [0.8, 1.0]]), torch.tensor([1.0, -1.0])
    x = torch.randn(20_000, 2) @ torch.linalg.cholesky(S).T + mean
    method = ScoreMatching(Linear(), ALL[name])
    moves = Adam(method.parameters(), 0.03)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(moves, 600)
    for _ in train(method, (Batch(part) for _ in range(15) for part in x.split(500)), moves):
        fall.step()
    noisy = S + 0.25 * torch.eye(2) if name == "denoising" else S
    assert (method.s.A - torch.linalg.inv(noisy)).abs().max() < 0.06
    assert (method.s.b - mean).abs().max() < 0.08
    if name == "denoising":
        y = x[:5] + 0.5
        assert torch.allclose(method.denoise(y, 0.5), y + 0.25 * method.score(y))
