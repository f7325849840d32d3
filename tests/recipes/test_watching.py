"""A checkpoint's score is reproducible, leaves the training's random state alone, and knows a better generator."""

import pytest
import torch

from likeness.data import Batch, load, whole
from likeness.judge.features import raw
from likeness.recipes.common import silent
from likeness.recipes.watching import Watcher


def test_scores_repeat_and_do_not_touch_the_random_state(trained) -> None:
    session, data = trained
    state = torch.get_rng_state()
    values = [Watcher(session.model, data, raw(), patience=None, seed=0)(1, {"critic": 1.0}).value for _ in range(2)]
    assert values[0] == values[1]
    assert torch.equal(state, torch.get_rng_state())


def test_the_truth_scores_better_and_a_collapsed_model_is_told(trained) -> None:
    session, data = trained
    score = Watcher(session.model, data, raw(), patience=None, seed=0)(1, {"critic": 1.0})
    ideal = Watcher(session.model._replace(sampler=data.truth.sample), data, raw(), patience=None, seed=0)
    assert ideal(1, {"critic": 1.0}).value < 0.05 < 5 * score.value + 0.05

    def one_point(n: int, *, generator: object = None) -> torch.Tensor:
        return data.truth.modes[:1].expand(n, 2) + 1e-3 * torch.randn(n, 2, generator=torch.Generator().manual_seed(0))

    collapsed = Watcher(session.model._replace(sampler=one_point), data, raw(), patience=None, seed=0)
    assert {"mode-collapse", "diversity-low"} <= {f.code for f in collapsed(1, {"critic": 1.0}).findings}
    alone = Watcher(collapsed.model._replace(critic=None, watch=None), data, raw(), patience=None, seed=0)
    told = {f.code for f in alone(1, {}).findings}
    assert "mode-collapse" in told
    assert "diversity-low" not in told, "its remedies are those of a game"


def test_patience_ends_it(trained) -> None:
    session, data = trained
    watcher = Watcher(session.model, data, raw(), patience=2, seed=0)
    assert [watcher(i, {"critic": 1.0}).stop for i in range(4)] == [False, False, True, True]


def test_a_model_with_a_density_is_scored_by_it(trained) -> None:
    session, data = trained
    noisy = lambda x: data.truth.log_prob(x) + torch.randn(len(x))  # noqa: E731  # as a bound by draws is
    watcher = Watcher(session.model._replace(log_prob=noisy, watch=None), data, raw(), patience=None, seed=0)
    state, score = torch.get_rng_state(), watcher(1, {})
    expected = -data.truth.log_prob(data.validation[torch.arange(2000)].x).mean()
    assert score.metric == "nll"
    assert abs(score.value - expected) < 0.1
    assert score.value == watcher(2, {}).value
    assert torch.equal(state, torch.get_rng_state())


def test_a_model_that_is_not_ready_is_not_judged_and_an_unnormalised_density_chooses_nothing(trained) -> None:
    session, data = trained
    waiting = session.model._replace(ready=lambda: False)
    assert Watcher(waiting, data, raw(), patience=None, seed=0)(1, {}) is None
    energy = session.model._replace(log_prob=data.truth.log_prob, log_prob_kind="unnormalised")
    score = Watcher(energy, data, raw(), patience=None, seed=0)(1, {"critic": 1.0})
    assert score is not None
    assert score.metric == "frechet"


def test_what_draws_nothing_is_scored_by_its_own_cost(trained) -> None:
    session, data = trained
    mute = session.model._replace(sampler=silent, critic=None, watch=None, score=("loss", lambda x: x.square().sum(1)))
    score = Watcher(mute, data, raw(), patience=None, seed=0)(1, {})
    assert score is not None
    assert (score.metric, score.findings) == ("loss", ())


def test_a_cost_may_ask_for_labels(trained) -> None:
    data = load("digits")
    known = trained.session.model._replace(critic=None, watch=None, sampler=silent, labelled=True)
    score = Watcher(known._replace(score=("zeros", zeros)), data, raw(), patience=None, seed=0)(1, {})
    assert score is not None
    assert score.value == pytest.approx(float((whole(data.validation).y == 0).float().mean()))


def zeros(batch: Batch) -> torch.Tensor:
    assert len(batch.x) == len(batch.y) <= 256
    return (batch.y == 0).float()
