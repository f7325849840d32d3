from itertools import pairwise

import pytest
import torch

from likeness.diffusion.ddim import ddim
from likeness.diffusion.sampler import Diffused, at
from likeness.diffusion.schedules import cosine
from likeness.errors import InputError
from likeness.sampling import draw


def shrunk(x, sigma):
    return x / (1 + sigma[:, None] ** 2)


def test_a_draw_belongs_to_its_place_and_passes_through_every_level() -> None:
    sampler = Diffused(shrunk, ddim(1.0), cosine(100).levels(10), (3,))
    whole = draw(sampler, 50, generator=1)
    assert torch.equal(whole, draw(sampler, 50, generator=1, batch_size=7))
    states = list(sampler.states(50, generator=1))
    assert len(states) == 11
    torch.testing.assert_close(states[-1], whole)
    assert float(states[0].std()) == pytest.approx(float(cosine(100).sigmas[-1]), rel=0.15)


def test_a_rule_sees_the_levels_it_was_given() -> None:
    seen = []

    def rule(D, x, sigmas, noise):
        for sigma, to in pairwise(sigmas.tolist()):
            seen.append((sigma, to))
            yield x

    Diffused(shrunk, rule, torch.tensor([2.0, 1.0, 0.0]), (3,))(2)
    assert seen == [(2.0, 1.0), (1.0, 0.0)]


def test_labels_are_drawn_by_frequency_or_given() -> None:
    def of(y):
        return lambda x, sigma: y[:, None].float().expand_as(x)

    levels, share = torch.tensor([1.0, 0.0]), torch.tensor([0.25, 0.75])
    sampler = Diffused(of, ddim(), levels, (1,), frequencies=share)
    assert float(sampler(4000, generator=0).mean()) == pytest.approx(0.75, abs=0.03)
    y = torch.tensor([1, 0, 1])
    assert torch.equal(sampler(3, generator=0, y=y)[:, 0], y.float())
    with pytest.raises(InputError, match="without classes"):
        Diffused(shrunk, ddim(), levels, (1,))(3, y=y)


def test_levels_that_rise_are_refused() -> None:
    with pytest.raises(InputError, match="fall to zero"):
        Diffused(shrunk, ddim(), torch.tensor([1.0, 2.0]), (3,))


def test_at_is_one_number_a_sample() -> None:
    assert torch.equal(at(0.5, torch.zeros(3, 2)), torch.full((3,), 0.5))
