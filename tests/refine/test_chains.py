import torch

from likeness.refine.chains import MIXED, split_rhat


def test_independent_steps_have_mixed() -> None:
    r = split_rhat(torch.randn(200, 50, 3))
    assert r.shape == (3,)
    assert (r - 1).abs().max() < 0.02


def test_chains_that_stay_in_their_mode_have_not() -> None:
    modes = torch.randint(2, (50,)) * 5.0
    assert split_rhat(torch.randn(200, 50) + modes) > 2


def test_a_common_drift_shows_because_chains_are_split() -> None:
    drift = torch.linspace(0, 3, 200)[:, None]
    assert split_rhat(torch.randn(200, 50) + drift) > MIXED


def test_the_known_value_for_two_half_chains() -> None:
    trace = torch.tensor([[0.0], [2.0], [4.0], [6.0]])  # halves: means 1 and 5, variances 2 and 2
    assert torch.isclose(split_rhat(trace), torch.tensor((0.5 + 8 / 2) ** 0.5).double())
