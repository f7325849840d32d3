"""The recipe of ReLIC: its settings reach the method."""

from likeness.recipes import relic
from likeness.recipes.common import Facts

GREY = Facts("images", (1, 8, 8), ("a", "b"), (50, 50), 100)
SMALL = {"device": "cpu", "steps": 4, "batch_size": 16, "d_z": 8}


def test_settings_reach_the_method() -> None:
    given = {"alpha": 5.0, "tau": 0.1, "symmetric": False, "decay": 0.9}
    method = relic.build(relic.fitting(relic.Settings("d", **given, **SMALL), GREY), GREY).learner.method
    assert (method.alpha, method.tau, method.symmetric) == (5.0, 0.1, False)
    assert method.target is not None
    assert relic.build(relic.fitting(relic.Settings("d", **SMALL), GREY), GREY).learner.method.target is None
