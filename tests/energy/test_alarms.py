import torch

from likeness.energy.alarms import Runaway, gap, judged_gap


def test_what_falls_by_ever_more_is_told_and_what_settles_is_not() -> None:
    falling, settling = Runaway(), Runaway()
    told = [falling.update(-10.0 * t) for t in range(6)]
    quiet = [settling.update(-50 * (1 - 0.5**t)) for t in range(6)]
    assert [[f.code for f in found] for found in told] == [[]] * 3 + [["energy-diverges"]] * 3
    assert quiet == [[]] * 6


def test_a_small_drift_or_a_swing_is_no_runaway() -> None:
    small, swing = Runaway(), Runaway()
    assert [small.update(-0.1 * t) for t in range(6)] == [[]] * 6
    assert [swing.update((-1) ** t * 100.0 * t) for t in range(6)] == [[]] * 6


def test_its_state_goes_on() -> None:
    a, b = Runaway(), Runaway()
    for t in range(4):
        a.update(-10.0 * t)
    b.load_state_dict(a.state_dict())
    assert a.update(-40.0) == b.update(-40.0) != []


def test_the_gap_is_judged_by_its_side() -> None:
    assert float(gap(torch.tensor([3.0, 5.0]), torch.tensor([1.0]))) == 3
    assert judged_gap(1.0) == []
    assert [judged_gap(v)[0].code for v in (9.0, -9.0)] == ["energy-gap", "energy-holes"]
    assert judged_gap(9.0, 64) == []
