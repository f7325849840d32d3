import itertools
import math

import torch

from likeness.data import load
from likeness.diffusion.schedules import cosine
from likeness.diffusion.transitions import VARIANCES
from likeness.papers._diffusion import model
from likeness.papers._diffusion_parts import GREY, bits, parts, respaced, schedule_of


def test_each_part_adds_one_thing_to_those_before_it() -> None:
    rows = list(parts(32).values())
    for a, b in itertools.pairwise(rows):
        changed = [a.schedule != b.schedule, a.learned != b.learned, a.plan != b.plan]
        assert sum(changed) == 1, f"{a.words} to {b.words} changes {sum(changed)} things"
    assert schedule_of("linear", 100).betas[0] != schedule_of("cosine", 100).betas[0]


def test_draws_of_fewer_steps_and_bits_of_a_network_that_has_learned_nothing() -> None:
    """A network that predicts no noise denoises nothing, and costs more than the 17 levels of its pixels."""
    data = load("digits", seed=0, limit=100)
    made = model(data, cosine(40), parts(16)["updown"].plan, learned=True)
    assert respaced(made, 5)(4, generator=0).shape == (4, 1, 8, 8)
    assert len(respaced(made, 5).sigmas) == 6
    x = torch.zeros(4, 1, 8, 8)
    for variance in VARIANCES.values():
        assert bits(made, x, variance) > math.log2(GREY)
