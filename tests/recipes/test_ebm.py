"""Every open choice of an energy is made by the data, and its runs are drawn from and judged like any other."""

from pathlib import Path

import pytest
import torch

from likeness.data import load
from likeness.data.batch import Batch
from likeness.energy.contrastive_divergence import ContrastiveDivergence
from likeness.errors import InputError
from likeness.judge.features import raw
from likeness.recipes.common import Facts
from likeness.recipes.ebm import Settings, Watch, build, fitting
from likeness.recipes.pipeline import begin, reopen, training
from likeness.sampling import draw

POINTS = Facts("vectors", (2,), (), (), 1000)
PICTURES = Facts("images", (1, 8, 8), (), (), 100)


@pytest.mark.parametrize("facts", [POINTS, PICTURES])
@pytest.mark.parametrize("method", ["persistent", "cd", "nce"])
def test_open_choices_are_made_and_draws_are_of_the_average(facts: Facts, method: str) -> None:
    made = fitting(Settings(data="x", device="cpu", width=8, walk=2, draw_steps=16, method=method), facts)
    assert made.batch_size <= facts.n_train
    assert made.buffer >= made.batch_size
    assert fitting(made, facts) == made
    model = build(made, facts)
    x = 3 + torch.randn(20, *facts.event)
    with torch.no_grad():
        next(model.learner.method.updates(Batch(x)))
    assert (model.log_prob_kind, model.critic) == ("unnormalised", None)
    model.learner.after()
    drawn = draw(model.sampler, 4, generator=0)
    assert drawn.shape == (4, *facts.event)
    for p in model.learner.method.parameters():
        p.data.add_(0.5)
    assert torch.equal(drawn, draw(model.sampler, 4, generator=0))
    assert model.log_prob(x).shape == (20,)
    if facts is PICTURES:
        assert drawn.abs().max() <= 1


def test_a_run_is_trained_told_of_mixing_and_opened_again(tmp_path: Path) -> None:
    data = load("ring8")
    given = {"steps": 20, "batch_size": 64, "judge_every": 10, "width": 8, "walk": 3, "draw_steps": 60}
    session = begin("ebm", Settings(data="ring8", out=tmp_path / "r", device="cpu", **given), data)
    scores = [tick.score for tick in training(session, data, raw()) if tick.score is not None]
    assert [s.metric for s in scores] == ["frechet", "frechet"]
    x = draw(session.model.sampler, 5, generator=0)
    again = reopen(tmp_path / "r").model
    assert torch.equal(x, draw(again.sampler, 5, generator=0))
    assert torch.equal(session.model.log_prob(x), again.log_prob(x))


def test_the_watch_tells_gaps_and_a_runaway_and_goes_on() -> None:
    watch, other = Watch(lambda: ()), Watch(lambda: ())
    assert watch({"contrast": -1.0}) == []
    assert [f.code for f in watch({"contrast": -9.0})] == ["energy-gap"]
    watch({"contrast": -20.0})
    other.load_state_dict(watch.state_dict())
    told = [f.code for f in other({"contrast": -40.0})]
    assert told == ["energy-gap", "energy-diverges"]
    assert watch({"noise_contrast": 1.0}) == []


def test_the_buffer_is_a_batch_or_more() -> None:
    with pytest.raises(InputError, match="--buffer 10 for batches of 256"):
        fitting(Settings(data="x", buffer=10), POINTS)
    with pytest.raises(InputError, match="--draw-steps 15"):
        fitting(Settings(data="x", draw_steps=15), POINTS)
    with pytest.raises(InputError, match="--walk 0"):
        fitting(Settings(data="x", walk=0), POINTS)


def test_chains_from_data_keep_no_buffer() -> None:
    made = build(fitting(Settings(data="x", device="cpu", method="cd"), POINTS), POINTS).learner.method
    assert isinstance(made, ContrastiveDivergence)
    assert made.replay is None
