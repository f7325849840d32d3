"""The recipe of MoCo: queue and decay by the data, and the objective that is asked for."""

import torch

from likeness.recipes import moco
from likeness.recipes.common import Facts

GREY = Facts("images", (1, 8, 8), ("a", "b"), (50, 50), 100)
SMALL = {"device": "cpu", "steps": 4, "batch_size": 16, "d_z": 8}


def test_queue_and_decay_follow_the_data_and_the_steps() -> None:
    found = moco.fitting(moco.Settings("d", **SMALL), GREY)
    assert (found.queue, found.decay) == (32, 0.99)
    assert moco.fitting(moco.Settings("d", steps=20_000), GREY._replace(n_train=10**6)).queue == 65_536
    assert moco.fitting(moco.Settings("d", steps=20_000), GREY).decay == 0.999


def test_the_objective_is_the_one_asked_for() -> None:
    q = torch.nn.functional.normalize(torch.randn(5, 8), dim=1)
    for objective, terms in (("contrast", {"contrast"}), ("align-uniform", {"alignment", "uniformity"})):
        settings = moco.fitting(moco.Settings("d", objective=objective, **SMALL), GREY)
        method = moco.build(settings, GREY).learner.method
        assert method.queue.rows.shape == (32, 8)
        assert set(method.terms(torch.rand(5, 1, 8, 8), q)) == terms
