"""What is known stays; going back and forth lets the rest hear of it; once is replacement, which it hears too late."""

import pytest
import torch
from linear_posteriors import MASK, SEEN, D, off

from likeness.diffusion.ddim import ddim
from likeness.diffusion.repaint import repainted
from likeness.diffusion.sampler import Diffused
from likeness.diffusion.schedules import karras
from likeness.errors import InputError

KNOWN, LEVELS = torch.tensor([[SEEN, 9.0, 9.0]]), karras(60, 1e-3, 50.0)


def test_what_is_known_stays_and_the_rest_hears_of_it_in_time() -> None:
    far = {}
    for resamples in (1, 10):
        rule = repainted(ddim(1.0), KNOWN, MASK, resamples=resamples)
        x = Diffused(D, rule, LEVELS, (3,))(4000, generator=0)
        assert (x[:, 0] == SEEN).all()
        far[resamples] = off(x, 1e-9)[0]
    assert far[1] > 0.35
    assert far[10] < 0.15


def test_nothing_known_and_once_is_the_rule_itself() -> None:
    none = torch.zeros(3, dtype=torch.bool)
    for rule in (ddim(), repainted(ddim(), KNOWN, none, resamples=1)):
        x = Diffused(D, rule, LEVELS, (3,))(50, generator=0)
        states = list(Diffused(D, rule, LEVELS, (3,)).states(50, generator=0))
        assert len(states) == len(LEVELS)
        assert torch.equal(states[-1], x)
    torch.testing.assert_close(x, Diffused(D, ddim(), LEVELS, (3,))(50, generator=0))


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="0 resamples"):
        repainted(ddim(), KNOWN, MASK, resamples=0)
    with pytest.raises(InputError, match="one for all"):
        Diffused(D, repainted(ddim(), KNOWN.expand(3, 3), MASK), LEVELS, (3,))(2)
