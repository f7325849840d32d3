"""Open choices are made by the data; states hold the samples, checkpoints to draw from do not."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from likeness.data import load
from likeness.data.batching import whole
from likeness.errors import InputError
from likeness.judge.features import raw
from likeness.recipes.common import Facts
from likeness.recipes.exemplar_vae import Settings, build, fitting
from likeness.recipes.pipeline import begin, reopen, resume, training
from likeness.run import checkpoint
from likeness.run.folder import open_run
from likeness.sampling import draw

IMAGES = Facts("images", (1, 8, 8), (), (), 300)
POINTS = Facts("vectors", (3,), (), (), 300)


def test_open_choices_are_made_and_others_kept() -> None:
    made = fitting(Settings(data="x", device="cpu", width=16), IMAGES)
    assert (made.batch_size, made.k, made.d_z, made.warmup, made.likelihood) == (100, 10, 16, 400, "gaussian")
    assert fitting(made, IMAGES) == made
    assert fitting(Settings(data="x", batch_size=5), POINTS).k == 4
    for likelihood in ("gaussian", "logistic", "bernoulli"):
        model = build(replace(made, likelihood=likelihood), IMAGES)
        x = model.reconstruct(torch.rand(2, 1, 8, 8))
        assert x.shape == (2, 1, 8, 8)


def test_what_cannot_be_is_refused() -> None:
    for wrong, clue in (
        ({"k": 100}, "--k 100: a batch of 100"),
        ({"likelihood": "bernoulli"}, "bernoulli is of pixels"),
        ({"likelihood": "mixed"}, "mixed is of a table"),
        ({"stream": True}, "--stream with exemplars"),
        ({"share": 0.0}, "--share 0.0"),
    ):
        with pytest.raises(InputError, match=clue):
            fitting(Settings(data="x", **wrong), POINTS)


def test_a_run_goes_on_bit_for_bit_and_is_drawn_from_without_its_samples(tmp_path: Path) -> None:
    data, weights = load("digits", limit=300), []
    for name, stops in (("whole", (40,)), ("parts", (22, 40))):
        settings = Settings(data="digits", out=tmp_path / name, device="cpu", batch_size=32, width=16, limit=300)
        settings = replace(settings, warmup=10, steps=stops[0], judge_every=20)
        session = begin("exemplar-vae", settings, data)
        for _ in training(session, data, raw()):
            pass
        for steps in stops[1:]:
            run = open_run(tmp_path / name)
            session = resume(run, replace(session.settings, steps=steps), data)
            for _ in training(session, data, raw()):
                pass
        weights.append(dict(checkpoint.load(tmp_path / name / "checkpoints" / "last.safetensors")[0]))
    for name in weights[0]:
        assert torch.equal(weights[0][name], weights[1][name]), name
    assert not [name for name in weights[0] if "memory" in name or "table" in name]
    again = reopen(tmp_path / "whole")
    assert torch.equal(
        draw(again.model.sampler, 8, generator=1), draw(reopen(tmp_path / "whole").model.sampler, 8, generator=1)
    )
    x = whole(data.test, 3).x
    method = again.model.learner.method
    assert method.variants(x, 2).shape == (3, 2, 1, 8, 8)
    assert len(method.centres) == len(data.train)
    method.add_exemplars(x)
    assert len(method.centres) == len(data.train) + 3
