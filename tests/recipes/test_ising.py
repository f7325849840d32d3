"""Each way to learn improves the score, noise is taken away, a run restores, what cannot be is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from likeness.core import train
from likeness.data import load
from likeness.data.batch import Batch
from likeness.data.batching import whole
from likeness.errors import InputError
from likeness.judge.features import pca
from likeness.recipes.common import Facts, Model
from likeness.recipes.ising import Settings, build, fitting
from likeness.recipes.pipeline import begin, reopen, training
from likeness.sampling import draw

GREY = Facts("images", (1, 8, 8), ("a", "b", "c"), (5, 3, 2), 100)
LARGE = GREY._replace(event=(1, 14, 12))
POINTS = Facts("vectors", (2,), (), (), 1000)
SMALL = Settings(data="x", device="cpu", steps=10, batch_size=8, drawn=5)
ASKED: dict[str, tuple[Facts, dict[str, Any]]] = {
    "plain": (GREY, {}),
    "large": (LARGE, {"neighbours": 8}),
    "shared": (GREY, {"field": "shared"}),
    "contrast": (LARGE, {"learning": "contrast", "sweeps": 2}),
    "likelihood": (GREY, {"learning": "likelihood", "neighbours": 8}),
}


def model(facts: Facts, **changed: Any) -> Model:
    return build(fitting(replace(SMALL, **changed), facts), facts)


def stripes(facts: Facts, n: int = 8) -> torch.Tensor:
    """Images that are black on one side and white on the other."""
    edge = torch.randint(1, facts.event[2], (n, 1, 1, 1))
    return torch.where(torch.arange(facts.event[2]) < edge, -1.0, 1.0).expand(n, *facts.event)


@pytest.mark.parametrize(("facts", "asked"), ASKED.values(), ids=ASKED)
def test_whatever_is_asked_for_trains_draws_and_scores(facts: Facts, asked: dict[str, Any]) -> None:
    made = model(facts, **asked)
    x = stripes(facts, 64)
    cost = (lambda x: -made.log_prob(x)) if made.score is None else made.score[1]
    before = float(cost(x).mean().detach())
    for _ in train(made.learner.method, [Batch(x)] * 20, made.learner.optimisers):
        pass
    assert float(cost(x).mean().detach()) < before - 1
    drawn = draw(made.sampler, 6, generator=0)
    assert drawn.shape == (6, *facts.event)
    assert set(drawn.unique().tolist()) <= {-1.0, 1.0}
    assert made.log_prob_kind == ("exact" if facts is GREY else "unnormalised")
    assert (made.score is None) == (facts is GREY)


@pytest.mark.parametrize("restore", ["likeliest", "majority"])
@pytest.mark.parametrize("noise", [{"flips": 0.1}, {"sigma": 0.8}])
def test_noise_is_taken_away(restore: str, noise: dict[str, float]) -> None:
    made = model(LARGE, restore=restore, field="shared", **noise)
    with torch.no_grad():
        made.learner.method.J.fill_(0.8)
    x = stripes(LARGE, 30)
    noisy = x + 0.8 * torch.randn(x.shape) if "sigma" in noise else torch.where(torch.rand(x.shape) < 0.1, -x, x)
    wrong = lambda found: float((found.sign() != x).float().mean())  # noqa: E731
    assert wrong(made.reconstruct(noisy)) < wrong(noisy) / 3


def test_chains_that_have_not_mixed_are_told_once_asked() -> None:
    made = model(LARGE, restore="majority", field="shared", flips=0.4)
    assert made.reconstruct.findings == []
    with torch.no_grad():
        made.learner.method.J.fill_(3.0)  # far below the critical temperature: all white or all black, for ever
    made.reconstruct(stripes(LARGE, 4))
    assert {f.code for f in made.reconstruct.findings} == {"unmixed-chain"}


def test_a_run_is_learned_opened_again_and_restores(tmp_path: Path) -> None:
    data = load("digits")
    settings = replace(SMALL, data="digits", out=tmp_path / "r", steps=40, judge_every=20, batch_size=64)
    session = begin("ising", settings, data)
    scores = [t.score for t in training(session, data, pca(whole(data.train).x, None)) if t.score is not None]
    assert {s.metric for s in scores} == {"nll"}
    again = reopen(tmp_path / "r").model
    x = whole(data.test, 20).x
    torch.testing.assert_close(again.log_prob(x), session.model.log_prob(x))
    assert torch.equal(draw(again.sampler, 4, generator=1), draw(session.model.sampler, 4, generator=1))
    assert torch.equal(again.reconstruct(x), session.model.reconstruct(x))


@pytest.mark.parametrize(
    ("facts", "wrong", "said"),
    [
        (POINTS, {}, "is for images and these are vectors"),
        (GREY._replace(event=(3, 8, 8)), {}, "have 3 channels: use --channels 1"),
        (LARGE, {"learning": "likelihood"}, "takes a side of ten or fewer"),
        (GREY, {"flips": 0.6}, "flips 0.6"),
        (GREY, {"sigma": -1.0}, "sigma -1"),
        (GREY, {"threshold": 1.0}, "--threshold 1"),
        (GREY, {"sweeps": 0}, "--sweeps 0"),
        (GREY, {"precision": "bf16"}, "are for networks"),
    ],
)
def test_settings_that_cannot_be_are_refused(facts: Facts, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        fitting(replace(SMALL, **wrong), facts)
