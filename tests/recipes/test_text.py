"""Text is trained on, drawn and told; other data and other recipes are refused in a line."""

from pathlib import Path

import pytest
import torch

from likeness.data import load, whole
from likeness.errors import InputError
from likeness.judge.features import features_of
from likeness.recipes.facts import facts_of
from likeness.recipes.pipeline import begin, reopen, training
from likeness.recipes.spaces import space_for
from likeness.recipes.text import Settings, build, fitting
from likeness.recipes.writing import written
from likeness.sampling import draw

SMALL = {"data": "descriptions", "device": "cpu", "width": 16, "length": 30}


@pytest.mark.parametrize("network", ["lstm", "transformer"])
def test_a_run_learns_and_comes_back(network: str, tmp_path: Path) -> None:
    data = load("descriptions", length=30)
    session = begin("text", Settings(**SMALL, network=network, steps=40, judge_every=20, out=tmp_path / "r"), data)
    space = space_for("auto", data, 0, "cpu")
    ticks = [t for t in training(session, data, space) if t.score is not None]
    assert ticks[-1].score.metric == "bits_per_character"
    assert ticks[-1].score.value < 6
    again = reopen(tmp_path / "r")
    x = draw(again.model.sampler, 3, generator=0)
    assert torch.equal(x, draw(session.model.sampler, 3, generator=0))
    assert all(len(again.vocabulary.decode(row)) == 30 for row in x)
    told = written(again, whole(data.test).x, whole(data.train).x, {"raw": again.model.sampler})
    assert told["bits"]["per character of the test part"] == pytest.approx(told["bits"]["per token of the test part"])
    assert [row["temperature"] for row in told["repetition"]] == [0.0, 0.5, 0.8, 1.0]
    assert features_of(space, x.float()).shape[0] == 3


def test_bits_of_pieces_are_counted_by_character() -> None:
    data = load("descriptions", length=20, tokens="pieces", pieces=200)
    facts = facts_of(data)
    model = build(fitting(Settings(**SMALL), facts), facts)
    x = whole(data.test, 4).x
    characters = torch.tensor([len(data.vocabulary.decode(row)) for row in x])
    expected = -model.log_prob(x) / torch.log(torch.tensor(2.0)) / characters
    assert torch.allclose(model.score[1](x), expected)


def test_what_does_not_suit_is_refused(tmp_path: Path) -> None:
    from likeness.recipes.gan import Settings as Game

    with pytest.raises(InputError, match=r"text is not for images.*use likeness train .*gan"):
        begin("text", Settings(data="digits", device="cpu"), load("digits"))
    with pytest.raises(InputError, match=r"gan is not for text.*use likeness train text"):
        begin("gan", Game(data="descriptions", device="cpu"), load("descriptions"))
    with pytest.raises(InputError, match="does not suit text"):
        space_for("pca", load("descriptions"), 0, "cpu")
