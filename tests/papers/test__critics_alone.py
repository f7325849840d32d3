"""Distances in closed form, critics of known slope, and gradients that grow as they should."""

import pytest
import torch
from torch import nn

from likeness.data import load
from likeness.gan import GAN
from likeness.nn import VectorCritic
from likeness.papers import _critics_alone
from likeness.papers._critics_alone import CLAIMS, Blurred, alone, clipped, decades, measure, penalised, surface, w1

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def toys():
    return {name: load(name, limit=2000) for name in ("ring8", "grid25", "spirals")}


def test_the_distance_of_a_shifted_set_is_the_shift() -> None:
    x = torch.randn(200, 2)
    assert w1(x, x[torch.randperm(200)] + torch.tensor([3.0, 4.0])) == pytest.approx(5, abs=1e-3)
    assert w1(x, x[torch.randperm(200)]) == pytest.approx(0, abs=1e-3)


def test_no_critic_finds_more_than_the_exact_distance(toys) -> None:
    class Linear(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x)[:, 0]

    G = Blurred(toys["ring8"].train[torch.arange(2000)].x + torch.tensor([-6.0, 0.0]))
    D = Linear(2, 1)
    D.weight.data = torch.tensor([[7.0, 0.0]])
    found = surface(GAN(G, D, d_z=2), toys["ring8"])
    assert found["slope"] == pytest.approx(7, rel=1e-4)
    assert 0.85 < found["share"] <= 1


@pytest.mark.parametrize(("gain", "growth"), [(1.0, 0.0), (0.1, -1.0), (10.0, 1.0)])
def test_decades_count_the_gain_of_a_layer(gain: float, growth: float) -> None:
    D = VectorCritic(4, width=4, depth=6, activation=nn.Identity)
    for layer in D.body:
        if isinstance(layer, nn.Linear):
            layer.weight.data = gain * torch.eye(4)
    assert decades(D, torch.randn(20, 4)) == pytest.approx(growth, abs=1e-3)


def test_clipping_pushes_weights_to_the_extremes_and_a_penalty_holds_the_slope(toys) -> None:
    clip, gp = (surface(alone(toys["ring8"], rule, 150, 0, CPU, width=32, depth=2), toys["ring8"])
                for rule in (clipped(), penalised(lr=1e-3)))  # fmt: skip
    assert clip["extreme"] > 0.4 > gp["extreme"]
    assert 0.7 < gp["slope"] < 1.3
    assert clip["slope"] < 0.1


def test_claims_name_what_is_measured(toys, monkeypatch) -> None:
    monkeypatch.setattr(_critics_alone, "SEEN", 200)
    found = measure(toys, 5, 8, 0, CPU)
    keys = {c.key for c in CLAIMS} | {c.baseline for c in CLAIMS if c.baseline}
    assert keys <= set(found)
