"""The recipe of alignment and uniformity: weights reach the method, and alignment alone is told to collapse."""

from pathlib import Path

from likeness.data import load
from likeness.judge.features import raw
from likeness.recipes import align_uniform
from likeness.recipes.common import Facts
from likeness.recipes.pipeline import begin, training

GREY = Facts("images", (1, 8, 8), ("a", "b"), (50, 50), 100)
SMALL = {"device": "cpu", "steps": 4, "batch_size": 16, "d_z": 8}


def test_settings_reach_the_method() -> None:
    settings = align_uniform.Settings("d", align=0.5, uniform=2.0, alpha=1.0, t=3.0, contrast=0.1, tau=0.2, **SMALL)
    method = align_uniform.build(align_uniform.fitting(settings, GREY), GREY).learner.method
    assert (method.align, method.uniform, method.alpha, method.t) == (0.5, 2.0, 1.0, 3.0)
    assert (method.contrast, method.tau) == (0.1, 0.2)


def test_alignment_alone_is_told_to_collapse(tmp_path: Path) -> None:
    data = load("digits")
    given = {"device": "cpu", "steps": 40, "judge_every": 40, "batch_size": 128, "lr": 1e-2}
    session = begin("align-uniform", align_uniform.Settings("digits", out=tmp_path / "r", uniform=0.0, **given), data)
    (score,) = [tick.score for tick in training(session, data, raw()) if tick.score is not None]
    assert "collapse" in {f.code for f in score.findings}
