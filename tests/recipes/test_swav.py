"""The recipe of SwAV: small crops on request, and clusters in the report."""

import torch

from likeness.data import load
from likeness.judge.features import raw
from likeness.recipes import swav
from likeness.recipes.common import Facts
from likeness.recipes.facts import facts_of

GREY = Facts("images", (1, 8, 8), ("a", "b"), (50, 50), 100)
SMALL = {"device": "cpu", "steps": 4, "batch_size": 16, "d_z": 8}


def test_small_crops_have_half_the_side() -> None:
    settings = swav.fitting(swav.Settings("d", small=3, queue=40, **SMALL), GREY._replace(event=(1, 20, 20)))
    method = swav.build(settings, GREY._replace(event=(1, 20, 20))).learner.method
    assert method.views.counts == (2, 3)
    assert [v.shape[-1] for v in method.views(torch.rand(2, 1, 20, 20))] == [20, 20, 10, 10, 10]
    assert len(method.queues) == 2


def test_prototypes_stand_still_for_a_sixteenth_of_the_steps() -> None:
    assert swav.fitting(swav.Settings("d", steps=320), GREY).freeze == 20


def test_clusters_are_reported() -> None:
    data = load("digits", limit=200)
    facts = facts_of(data)
    model = swav.build(swav.fitting(swav.Settings("d", prototypes=6, **SMALL), facts), facts)
    (row,) = model.tables(data, raw())["Clusters of test samples"]
    assert row["prototypes"] == 6
    assert 1 <= row["used"] <= 6
    assert 1 / 6 <= row["largest"] <= 1
    assert 0 <= row["mutual information with classes, normalised"] <= 1
