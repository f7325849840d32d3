"""A point is what the model is; a sweep on linear models finds the threshold; the picture is written."""

from pathlib import Path

import pytest
import torch
from linear_gaussian import at_optimum, evidence, spectrum

from likeness.doctor.sigmas import grid, part, picture, swept
from likeness.judge.features import raw


@pytest.fixture(scope="module")
def points(known):
    _, x = known
    torch.manual_seed(0)
    edge = float(spectrum(x)[0][0]) ** 0.5
    values = grid(1.2 * edge, 0.05 * edge, 5)
    return x, edge, list(swept(values, lambda sigma: at_optimum(x, 2, sigma), x, None, raw()))


def test_linear_models_collapse_above_the_threshold_alone(points) -> None:
    x, edge, found = points
    for p in found:
        assert (p.kl < 0.01) == (p.value > edge)
    errors = [p.error for p in found]
    assert errors == sorted(errors, reverse=True)
    p = found[-1]
    truth = evidence(at_optimum(x, 2, p.value), x).mean()
    assert p.negative_elbo == pytest.approx(-float(truth), abs=0.05)
    assert found[0].variance == pytest.approx(0, abs=1e-6)


def test_values_at_equal_ratios() -> None:
    assert grid(8.0, 1.0, 4) == pytest.approx([8, 4, 2, 1])


def test_the_picture_and_the_words(points, tmp_path: Path) -> None:
    *_, found = points
    assert picture(found, tmp_path / "sweep.png").stat().st_size > 10_000
    told = part(found, "sweep.png", steps=10)
    assert "10 steps" in told.words[0]
    assert len(told.numbers) == 5
    same = part([found[0], found[0]], "sweep.png", steps=10)
    assert same.findings == []
