"""Every open choice of a flow is made by the data, and what a flow cannot do is refused before any work."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from likeness.data.batch import Batch
from likeness.errors import InputError
from likeness.recipes.common import Facts
from likeness.recipes.flow import Settings, build, fitting
from likeness.recipes.pipeline import begin, read
from likeness.sampling import draw

pytest.importorskip("zuko", reason="flows need zuko")

POINTS = Facts("vectors", (2,), (), (), 1000)
PICTURES = Facts("images", (1, 8, 8), (), (), 100)


@pytest.mark.parametrize("facts", [POINTS, PICTURES])
def test_open_choices_are_made_and_others_kept(facts: Facts) -> None:
    made = fitting(Settings(data="x", lr=0.5), facts)
    assert made.family == ("glow" if facts is PICTURES else "nsf")
    assert (made.lr, made.noise, made.steps) == (0.5, 0.0, 3000)
    assert made.batch_size <= facts.n_train
    assert fitting(made, facts) == made


def test_draws_are_those_of_the_averaged_flow() -> None:
    facts = POINTS
    made = build(fitting(Settings(data="x", device="cpu", width=8, ema=0.9), facts), facts)
    before = draw(made.sampler, 5, generator=0)
    with torch.no_grad():
        for p in made.learner.method.parameters():
            p.add_(0.1)
    assert torch.equal(before, draw(made.sampler, 5, generator=0))
    made.learner.after()
    x = torch.randn(9, 2)
    assert torch.allclose(made.log_prob(x), made.learner.method.log_prob(x).detach(), atol=1e-6)


@pytest.mark.parametrize("asked", [{"principal": 6, "family": "maf"}, {"family": "glow", "layers": 2}])
def test_images_keep_their_shape(asked: dict) -> None:
    settings = fitting(Settings(data="x", device="cpu", width=8, **asked), PICTURES)
    made = build(settings, PICTURES)
    next(iter(made.learner.method.updates(Batch(torch.randn(20, 1, 8, 8)))))
    made.learner.after()
    assert draw(made.sampler, 3, generator=0).shape == (3, 1, 8, 8)
    assert made.log_prob(torch.randn(4, 1, 8, 8)).shape == (4,)


def test_learned_noise_gives_a_bound_of_the_probability_of_rounded_images() -> None:
    asked = {"levels": 17, "dequantisation": "variational", "layers": 2}
    made = build(fitting(Settings(data="x", device="cpu", width=8, **asked), PICTURES), PICTURES)
    assert (made.levels, made.log_prob_kind) == (17, "bound")
    x = torch.randint(17, (20, 1, 8, 8)) / 8 - 1
    next(iter(made.learner.method.updates(Batch(x))))
    made.learner.after()
    assert draw(made.sampler, 3, generator=0).shape == (3, 1, 8, 8)
    assert (made.log_prob(x) < 0).all()
    with pytest.raises(InputError, match="not of 17 levels"):
        made.log_prob(torch.rand(4, 1, 8, 8))
    plain = build(fitting(Settings(data="x", device="cpu", width=8), PICTURES), PICTURES)
    assert (plain.levels, plain.log_prob_kind) == (None, "exact")


def test_what_does_not_suit_is_refused() -> None:
    line = replace(Settings(data="x"), family="nice")
    with pytest.raises(InputError, match="couples two numbers"):
        fitting(line, POINTS._replace(event=(1,)))
    with pytest.raises(InputError, match="glow is for images"):
        fitting(Settings(data="x", family="glow"), POINTS)
    with pytest.raises(InputError, match="--principal 3"):
        fitting(Settings(data="x", principal=3), PICTURES)
    with pytest.raises(InputError, match="variational is for images"):
        fitting(Settings(data="x", dequantisation="variational"), POINTS)
    with pytest.raises(InputError, match="bf16"):
        fitting(Settings(data="x", precision="bf16"), POINTS)


def test_rows_of_a_table_come_back(tmp_path: Path) -> None:
    rows = [f"{i / 3:.3f},{'uvw'[i % 3]}" for i in range(200)]
    (tmp_path / "t.csv").write_text("x,k\n" + "\n".join(rows) + "\n")
    settings = Settings(data=str(tmp_path / "t.csv"), out=tmp_path / "r", device="cpu", steps=2, batch_size=16, width=8)
    session = begin("flow", settings, read(settings))
    assert session.settings.noise == 0.1
    table = session.columns.decode(draw(session.model.sampler, 20, generator=0))
    assert set(table["k"].to_pylist()) <= {"u", "v", "w"}
