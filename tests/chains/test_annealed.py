import pytest
import torch
from torch import Tensor

from likeness.chains.annealed import annealed_langevin
from likeness.chains.langevin import unadjusted
from likeness.chains.state import last
from likeness.data.truth import Mixture
from likeness.errors import InputError
from likeness.sampling import Streams

FAR = Mixture(torch.tensor([[2.5, 2.5], [-2.5, -2.5]]), 0.5, weights=torch.tensor([0.8, 0.2]))


def noisy(x: Tensor, sigma: Tensor) -> Tensor:
    return FAR.noised(float(sigma[0])).score(x)


def start(n: int) -> Tensor:
    return 12 * Streams(0).uniform(n, 2) - 6


def test_modes_that_lie_far_apart_get_their_weights() -> None:
    """Where chains without annealing keep the shares of their starts."""
    sigmas = torch.logspace(1, -1, 12)  # from 10 to 0.1
    end = last(annealed_langevin(noisy, start(3000), sigmas, steps=40, eps=2e-3, source=Streams(1)))
    plain = last(unadjusted(FAR.score, start(3000), steps=480, step_size=0.1, source=Streams(1)))
    small, stuck = (float((x.sum(1) < 0).float().mean()) for x in (end, plain))
    assert small == pytest.approx(0.2, abs=0.05)
    assert stuck > 0.4
    assert float((end - torch.where(end.sum(1, keepdim=True) > 0, 2.5, -2.5)).std()) == pytest.approx(0.5, abs=0.06)


def test_one_level_is_langevin_and_the_last_step_is_tweedie() -> None:
    sigmas = torch.tensor([0.3])
    states = list(annealed_langevin(noisy, start(50), sigmas, steps=4, eps=0.05, source=Streams(1)))
    plain = list(unadjusted(FAR.noised(0.3).score, start(50), steps=4, step_size=0.05, source=Streams(1)))
    assert len(states) == 5
    torch.testing.assert_close(torch.stack(states[:4]), torch.stack(plain))
    torch.testing.assert_close(states[4], plain[-1] + 0.09 * FAR.noised(0.3).score(plain[-1]))


def test_levels_have_to_fall() -> None:
    for levels in ([0.1, 1.0], [1.0, 0.0], []):
        with pytest.raises(InputError, match="levels"):
            last(annealed_langevin(noisy, start(2), torch.tensor(levels), steps=1, eps=0.1, source=Streams(0)))
