"""The recipe of SimCLR: its settings reach the method."""

from likeness.recipes import simclr
from likeness.recipes.common import Facts

GREY = Facts("images", (1, 8, 8), ("a", "b"), (50, 50), 100)
SMALL = {"device": "cpu", "steps": 4, "batch_size": 16, "d_z": 8}


def test_settings_reach_the_method() -> None:
    settings = simclr.fitting(simclr.Settings("d", tau=0.3, block=7, d=24, **SMALL), GREY)
    method = simclr.build(settings, GREY).learner.method
    assert (method.tau, method.block, method.f.d) == (0.3, 7, 24)
    assert method.views.counts == (2,)
