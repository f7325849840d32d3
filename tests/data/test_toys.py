import math

import pytest
import torch
from scipy import stats

from likeness.data.toys import TOYS, grid, ring, sines


@pytest.mark.parametrize("name", TOYS)
def test_sampler_and_density_are_of_one_distribution(name: str) -> None:
    """The density integrates to one, and its entropy is the mean surprise of the samples."""
    toy = TOYS[name].make()
    x = toy.sample(10_000, generator=0)
    mine = toy.log_prob(x)
    assert mine.isfinite().all()
    if x.shape[1] > 2:
        return
    width = 12.0 if x.shape[1] == 1 else 3.2
    box = torch.rand(100_000, x.shape[1]) * 2 * width - width
    log_p = toy.log_prob(box).double()
    mass = log_p.exp() * (2 * width) ** x.shape[1]
    assert float(mass.mean()) == pytest.approx(1, abs=4 * float(mass.std()) / math.sqrt(len(box)))
    entropy = -(mass * log_p).nan_to_num(0)
    spread = float(entropy.std()) / math.sqrt(len(box)) + float(mine.std()) / math.sqrt(len(x))
    assert float(-mine.mean()) == pytest.approx(float(entropy.mean()), abs=4 * spread + 1e-5)


def test_the_ripple_along_a_chain_cannot_be_seen() -> None:
    angle = math.pi * torch.linspace(0.3, 0.4, 200).double()
    heights = TOYS["moons"].make().log_prob(torch.stack((angle.cos(), angle.sin()), dim=1))
    assert float(heights.max() - heights.min()) < 1e-6


def test_the_grid_is_the_one_of_the_paper() -> None:
    g = grid()
    assert sorted(map(tuple, g.modes.tolist())) == [(a, b) for a in range(-2, 3) for b in range(-2, 3)]
    assert g.std == 0.05
    near = torch.cdist(g.sample(10_000, generator=0), g.modes).min(1)
    expected = 1 - math.exp(-8)  # within four standard deviations in two dimensions
    assert float((near.values < 0.2).float().mean()) == pytest.approx(expected, abs=0.002)
    assert stats.chisquare(near.indices.bincount(minlength=25).numpy()).pvalue > 0.01


def test_rings() -> None:
    for k in (8, 10):
        modes = ring(k).modes
        torch.testing.assert_close(modes.norm(dim=1), torch.full((k,), 2.0))
        gaps = torch.cdist(modes, modes).fill_diagonal_(9).min(1).values
        torch.testing.assert_close(gaps, torch.full((k,), 4 * math.sin(math.pi / k)))


def test_moons_lie_where_they_should_and_carry_their_class() -> None:
    batch = TOYS["moons"].make().labelled(5000, generator=0)
    for label, centre in ((0, (0.0, 0.0)), (1, (1.0, 0.5))):
        radius = (batch.x[batch.y == label] - torch.tensor(centre)).norm(dim=1)
        assert float(radius.mean()) == pytest.approx(1, abs=0.02)
        assert float(radius.std()) == pytest.approx(0.1, abs=0.01)


def test_the_arms_of_the_spiral_are_each_other_turned_by_half() -> None:
    toy = TOYS["spirals"].make()
    x = toy.sample(500, generator=0)
    torch.testing.assert_close(toy.log_prob(x), toy.log_prob(-x))


def test_the_pairs_differ_in_mean_in_variance_or_in_neither() -> None:
    moments = {name: TOYS[name].make().sample(40_000, generator=1) for name in ("normal", "shifted", "wide", "laplace")}
    found = {name: (float(x.mean()), float(x.var())) for name, x in moments.items()}
    assert found["normal"] == pytest.approx((0, 1), abs=0.05)
    assert found["shifted"] == pytest.approx((1, 1), abs=0.05)
    assert found["wide"] == pytest.approx((0, 4), abs=0.15)
    assert found["laplace"] == pytest.approx((0, 1), abs=0.06)
    assert stats.kstest(moments["laplace"][:, 0].numpy(), stats.norm.cdf).pvalue < 1e-4


def test_sines_are_sines_of_their_class() -> None:
    batch = sines().labelled(400, generator=0)
    power = torch.fft.rfft(batch.x).abs().square()
    assert float(power[:, 1:5].argmax(1).eq(batch.y).float().mean()) > 0.98
    assert float(power[:, 1:5].sum() / power.sum()) > 0.97
