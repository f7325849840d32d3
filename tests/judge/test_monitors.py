"""The monitors: each is shown what it must see, and what it must let pass."""

import json
import math

import pytest
import torch
from torch import Tensor
from torch.optim import Adam

from likeness.core import train
from likeness.data.batch import Batch
from likeness.gan import GAN, Penalty, r1
from likeness.judge.monitors import Best, Diversity, Modes, Monitor, Oscillation, Saturation, spreads, swings
from likeness.nn import MLP, VectorCritic, orthogonal

ANGLES = torch.arange(8) * (2 * math.pi / 8)
RING = 2 * torch.stack((ANGLES.cos(), ANGLES.sin()), dim=1)


def on(modes: list[int], n: int = 800) -> Tensor:
    return RING[torch.tensor(modes).repeat(n // len(modes))] + 0.02 * torch.randn(n // len(modes) * len(modes), 2)


def on_all(n: int) -> Tensor:
    return RING[torch.randint(8, (n,))] + 0.02 * torch.randn(n, 2)


def codes(found: list) -> set[str]:
    return {finding.code for finding in found}


def test_modes_are_counted_and_named() -> None:
    monitor = Modes(RING)
    assert monitor.update(on(list(range(8)))) == []
    assert codes(monitor.update(on([0, 1, 2, 3, 4, 5]))) == {"modes-missing"}
    found = monitor.update(on([5, 5, 5, 2]))
    assert codes(found) == {"mode-collapse"}
    assert "2 of 8 modes" in found[0].saw
    assert "mode 5 holds 75%" in found[0].saw
    assert monitor.held == [8, 6, 2]
    assert monitor.dominant[-1] == 5


def test_a_mode_below_the_share_is_not_held() -> None:
    monitor = Modes(RING, share=0.02)
    monitor.update(torch.cat((on([0], 1000), on([1], 10))))
    monitor.update(torch.cat((on([0], 1000), on([1], 30))))
    assert monitor.held == [1, 2]


def test_the_chase_is_seen() -> None:
    monitor = Modes(RING)
    seen = [codes(monitor.update(on([mode]))) for mode in (3, 3, 4, 2, 3, 7, 0)]
    assert ["mode-chase" in c for c in seen] == [False] * 6 + [True]
    assert monitor.changes == 5


def test_balanced_modes_may_change_their_first_by_chance() -> None:
    monitor = Modes(RING)
    for _ in range(20):
        assert monitor.update(on_all(500)) == []
    assert monitor.changes >= 5


def test_spread() -> None:
    x = torch.tensor([[0.0], [1.0], [3.0]])
    mean, nearest = spreads(x)
    assert mean == pytest.approx((1 + 3 + 2) / 3)
    assert nearest == 1.0


def test_diversity_against_data() -> None:
    data = torch.randn(400, 1, 4, 4)
    monitor = Diversity(data)
    assert monitor.update(torch.randn(400, 1, 4, 4)) == []
    assert codes(monitor.update(0.2 * torch.randn(400, 1, 4, 4))) == {"diversity-low"}
    assert codes(monitor.update(3 * torch.randn(400, 1, 4, 4))) == {"diversity-high"}
    copies = torch.randn(20, 1, 4, 4).repeat(20, 1, 1, 1) + 0.01 * torch.randn(400, 1, 4, 4)
    assert codes(monitor.update(copies)) == {"near-copies"}
    assert monitor.history[0] == pytest.approx([1.0, 1.0], abs=0.1)


def test_diversity_compares_as_many_rows_of_both() -> None:
    """Nearest neighbours come closer with more rows; a small batch must not look more diverse for that."""
    data = torch.randn(512, 2)
    monitor = Diversity(data)
    monitor.update(data[:50])
    assert monitor.history == [[1.0, 1.0]]


def test_data_without_any_distance_give_no_alarm() -> None:
    assert Diversity(torch.zeros(10, 2)).update(torch.zeros(10, 2)) == []


def test_diversity_in_the_space_of_features() -> None:
    monitor = Diversity(torch.randn(200, 3), features=lambda x: x[:, :1])
    collapsed = torch.randn(200, 3)
    collapsed[:, 0] = 1.0
    assert codes(monitor.update(collapsed)) == {"diversity-low"}


def test_a_critic_that_wins_is_seen_after_a_while() -> None:
    monitor = Saturation()
    assert all(monitor.update(torch.tensor(0.01)) == [] for _ in range(4))
    assert codes(monitor.update(0.01)) == {"critic-saturated"}
    assert monitor.update(2.0) == []
    assert all(Saturation().update(math.log(4)) == [] for _ in range(9))


@pytest.mark.parametrize(
    ("scores", "threshold", "turns"),
    [
        ([5, 4, 3, 2], 0.5, 0),
        ([5, 1, 5, 1, 5], 0.5, 3),
        ([5, 1, 5, 1, 5], 5, 0),
        ([5, 4.9, 5, 4.9, 2, 1], 0.5, 0),
        ([1, 3, 2, 4], 0.5, 2),
        ([2], 0.5, 0),
        ([3, 2.8, 2.6, 2.4, 2.2, 2.4, 2.6, 2.8], 0.5, 1),
    ],
)
def test_swings(scores: list[float], threshold: float, turns: int) -> None:
    assert swings([float(s) for s in scores], float(threshold)) == turns
    assert swings([-float(s) for s in scores], float(threshold)) == turns


def test_oscillation_of_the_score() -> None:
    steady, wild = Oscillation(), Oscillation()
    assert all(steady.update(10 / (1 + t) + 0.01 * (-1) ** t) == [] for t in range(30))
    found = [codes(wild.update(10.0 + 4 * (-1) ** t)) for t in range(10)]
    assert found[-1] == {"oscillation"}
    assert found[1] == set()


@pytest.mark.parametrize("higher", [False, True])
def test_the_best_score_is_kept_and_patience_ends(higher: bool) -> None:
    sign = -1 if higher else 1
    best = Best(patience=3, higher=higher)
    improved, stops, found = [], [], []
    for step, score in enumerate([5.0, 3.0, math.nan, 4.0, 2.0, 2.5, 2.5, 2.5]):
        found.append(best.update(sign * score, 100 * step))
        improved.append(best.improved)
        stops.append(best.stop)
    assert improved == [True, True, False, False, True, False, False, False]
    assert stops == [False] * 7 + [True]
    assert best.best == (sign * 2.0, 400)
    assert codes(found[-1]) == {"stop"}
    assert "step 400" in found[-1][0].saw
    assert found[:-1] == [[]] * 7


def test_a_first_score_that_is_no_number_is_not_the_best() -> None:
    best = Best()
    best.update(math.nan, 1)
    assert not best.improved
    best.update(7.0, 2)
    assert best.improved
    assert best.best == (7.0, 2)


def makers() -> list[tuple[Monitor, Monitor, list[tuple]]]:
    samples = [(on([mode]),) for mode in (3, 4, 2, 3, 7, 0, 1)]
    return [
        (Modes(RING), Modes(RING), samples),
        (Diversity(RING), Diversity(RING), samples),
        (Saturation(), Saturation(), [(0.01,)] * 7),
        (Oscillation(), Oscillation(), [(10.0 + 4 * (-1) ** t,) for t in range(7)]),
        (Best(patience=2), Best(patience=2), [(float(t), t) for t in range(7)]),
    ]


@pytest.mark.parametrize("which", range(5))
def test_resumed_from_its_state_a_monitor_says_the_same(which: int) -> None:
    whole, other, looks = makers()[which]
    for look in looks[:4]:
        whole.update(*look)  # type: ignore[attr-defined]
    other.load_state_dict(json.loads(json.dumps(whole.state_dict())))
    for look in looks[4:]:
        assert whole.update(*look) == other.update(*look)  # type: ignore[attr-defined]


@pytest.mark.slow
def test_the_chase_of_a_real_game_is_seen_and_its_cure_too() -> None:
    """Plain losses, a slow critic and many latents: the generator runs from mode to mode. R1 stops it."""
    found = {}
    for name, rate, penalty, steps in (("plain", 1e-4, None, 1500), ("r1", 1e-3, Penalty(r1, 0.1), 3000)):
        torch.manual_seed(0)
        G, D = MLP(256, 2, depth=2), VectorCritic(2, depth=2)
        for net in (G, D):
            orthogonal(net, 0.8)
        gan = GAN(G, D, d_z=256, penalty=penalty)
        moves = {D: Adam(D.parameters(), rate, (0.5, 0.999)), G: Adam(G.parameters(), 1e-3, (0.5, 0.999))}
        monitor, said = Modes(RING), set()
        for step in train(gan, (Batch(on_all(256)) for _ in range(steps)), moves):
            if step.iteration % 100 == 0:
                said = codes(monitor.update(gan.sample(1000, generator=0)))
        found[name] = (monitor, said)
    plain, cured = found["plain"], found["r1"]
    assert max(plain[0].held) <= 3
    assert plain[0].changes >= 5
    assert plain[1] == {"mode-collapse", "mode-chase"}
    assert cured[0].held[-3:] == [8, 8, 8]
    assert cured[1] == set()
