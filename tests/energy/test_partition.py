import math

import pytest
import torch
from torch import Tensor, nn

from likeness.data.truth import Mixture
from likeness.energy.partition import ais, bridge, normalised
from likeness.energy.reference import Reference
from likeness.errors import InputError

CONSTANT = 5.0
TRUTH = Mixture(torch.tensor([[1.0, 1.0], [-1.0, 0.0]]), 0.5, weights=torch.tensor([0.7, 0.3]))


def energy(x: Tensor) -> Tensor:
    """log Z is the constant."""
    return -TRUTH.log_prob(x) - CONSTANT


def test_a_grid_finds_the_constant_and_the_density_integrates_to_one() -> None:
    p = normalised(energy, [(-5, 5), (-5, 5)])
    assert p.log_z == pytest.approx(CONSTANT, abs=1e-4)
    assert abs(p.edge) < 1e-6
    x = torch.cartesian_prod(*[torch.linspace(-5, 5, 301)] * 2)
    assert float(p.log_prob(x).exp().sum() * (10 / 300) ** 2) == pytest.approx(1, abs=1e-3)
    assert p.kl(TRUTH) == pytest.approx(0, abs=1e-3)
    network = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 1), nn.Flatten(0))
    q = normalised(lambda x: network(x) + x.square().sum(1) / 2, [(-6, 6), (-6, 6)], cells=300)
    y = torch.cartesian_prod(*[torch.linspace(-6, 6, 401)] * 2)
    assert float(q.log_prob(y).exp().sum() * (12 / 400) ** 2) == pytest.approx(1, abs=1e-3)


def test_a_line_and_the_divergence_between_gaussians() -> None:
    wide = normalised(lambda x: x[:, 0].square() / 8, [(-30, 30)], cells=4000)
    assert wide.log_z == pytest.approx(math.log(2 * math.sqrt(2 * math.pi)), abs=1e-4)
    expected = math.log(2) + 1 / 8 - 1 / 2
    assert wide.kl(Mixture(torch.zeros(1, 1), 1.0), 100_000) == pytest.approx(expected, abs=0.01)


def test_a_box_that_is_too_small_shows_at_its_edge() -> None:
    assert normalised(energy, [(-1, 1), (-1, 1)], cells=50).edge > 0.02


def wide(d: int) -> Reference:
    reference = Reference((d,))
    reference.std.fill_(2.0)
    return reference


def test_annealed_chains_find_the_constant() -> None:
    found = ais(energy, wide(2), temperatures=60)
    assert found.value == pytest.approx(CONSTANT, abs=max(0.05, 4 * found.error))
    assert found.error < 0.1
    ten = ais(lambda x: x.square().sum(1) / (2 * 0.25), wide(10), temperatures=100)
    assert ten.value == pytest.approx(10 * math.log(0.5 * math.sqrt(2 * math.pi)), abs=0.3)


def test_a_bridge_finds_it_from_samples() -> None:
    x = TRUTH.sample(4000, generator=1)
    assert bridge(energy, wide(2), x) == pytest.approx(CONSTANT, abs=0.05)
    assert bridge(energy, wide(2), x[:1000], draws=4000) == pytest.approx(CONSTANT, abs=0.08)


def test_a_bridge_over_the_same_law_has_no_error() -> None:
    base = wide(3)
    x = base.sample(100, generator=5)
    assert bridge(lambda x: -base.log_prob(x) - 2, base, x) == pytest.approx(2, abs=1e-5)


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match="grid in 3 dimensions"):
        normalised(energy, [(-1, 1)] * 3)
    with pytest.raises(InputError, match="no finite integral"):
        normalised(lambda x: torch.full_like(x[:, 0], -math.inf), [(-1, 1)])
    with pytest.raises(InputError, match="1 chains"):
        ais(energy, wide(2), chains=1)
