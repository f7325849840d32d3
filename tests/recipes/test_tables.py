"""Mixed columns go the way of every recipe: legal rows come back, gaps as often as in the data, classes on demand."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pyarrow import csv

from likeness.data import load
from likeness.data.columns import Category
from likeness.data.export import write
from likeness.errors import InputError
from likeness.judge.features import raw
from likeness.recipes import outcome
from likeness.recipes.common import recipe
from likeness.recipes.outcome import Outcome
from likeness.recipes.pipeline import begin, read, reopen, training
from likeness.recipes.refinement import Refinement
from likeness.sampling import draw

ALL = ("vae", "flow", "gan", "mixture", "kde")


def small(name: str, data: str, out: Path, **options):
    steps = {"vae": 300, "gan": 60, "flow": 30, "mixture": 2, "kde": 5}[name]
    given = {"components": 2} if name == "mixture" else {}
    common = {"data": data, "out": out, "device": "cpu", "limit": 1500, "steps": steps, "batch_size": 128}
    common |= {"judge_every": 1000}  # once, at the end: a bound of all validation rows takes longer than the training
    return recipe(name).Settings(**common | given | options)


def fitted(name: str, settings):
    session = begin(name, settings, read(settings))
    for _ in training(session, read(settings), raw()):
        pass
    return session


def table(path: Path, n: int = 400) -> Path:
    rng = np.random.default_rng(0)
    lines = ["size,count,kind"]
    for _ in range(n):
        kind = rng.choice(["a", "b", "c"], p=[0.5, 0.3, 0.2])
        size = "" if rng.random() < 0.25 else f"{rng.normal() + 2 * (kind == 'b'):.4f}"
        lines.append(f"{size},{rng.poisson(20)},{kind}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("name", ALL)
def test_draws_hold_only_what_the_table_could(name: str, tmp_path: Path) -> None:
    data = load("mixed-table", limit=1500)
    session = fitted(name, small(name, "mixed-table", tmp_path / "r"))
    x = draw(session.model.sampler, 300, generator=0)
    torch.testing.assert_close(data.columns.legal(x), x)
    rows = session.columns.decode(x)
    for column in session.columns.columns:
        values = rows[column.name].to_pylist()
        if isinstance(column, Category):
            assert set(values) <= set(column.values)
        elif not column.gaps:
            assert None not in values
            assert np.isfinite(rows[column.name].to_numpy()).all()
    assert str(rows["age"].type) == "int64"
    again = draw(reopen(tmp_path / "r").model.sampler, 300, generator=0, batch_size=77)
    torch.testing.assert_close(again, x, atol=1e-4, rtol=1e-4)


def test_gaps_of_a_file_come_back_as_often(tmp_path: Path) -> None:
    session = fitted("vae", small("vae", str(table(tmp_path / "t.csv", 1500)), tmp_path / "r", steps=400))
    write(draw(session.model.sampler, 2000, generator=0), tmp_path / "s.csv", session.columns)
    found = csv.read_csv(tmp_path / "s.csv", convert_options=csv.ConvertOptions(strings_can_be_null=True))
    assert found["size"].null_count / 2000 == pytest.approx(0.25, abs=0.07)
    assert found["count"].null_count == found["kind"].null_count == 0
    assert str(found["count"].type) == "int64"


@pytest.mark.parametrize("name", ALL)
def test_a_column_with_one_value_is_told_before_there_is_a_folder(name: str, tmp_path: Path) -> None:
    lines = ["a,b,c", *(f"{i / 7},7.5,{'xy'[i % 2]}" for i in range(60))]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    settings = small(name, str(tmp_path / "t.csv"), tmp_path / "r", batch_size=16)
    with pytest.raises(InputError, match=r"column 'b' holds one value, 7.5, in every training row: drop it"):
        begin(name, settings, read(settings))
    assert not (tmp_path / "r").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vae", "gan"])
def test_rows_of_a_class_on_demand(name: str, tmp_path: Path) -> None:
    settings = small(name, "mixed-table", tmp_path / "r", label="member", conditional=True, steps=600)
    session = fitted(name, settings)
    at = session.columns.entries.index("visits")
    no, yes = (session.model.sampler(1000, generator=1, y=torch.full((1000,), c)) for c in (0, 1))
    assert "member" not in [c.name for c in session.columns.columns]
    assert float(yes[:, at].mean() - no[:, at].mean()) > 0.4, "members come more often (by 1.0 in truth)"


@pytest.mark.slow
def test_the_report_shows_columns_and_associations(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(outcome, "LARGEST", 400)
    settings = small("vae", "mixed-table", tmp_path / "r", steps=40)
    session = fitted("vae", settings)
    made = Outcome(session, read(settings), raw(), replace(Refinement(), ratio_steps=50, budget=3))
    made.work(lambda *_: None)
    report = json.loads((made.write().parent / "report.json").read_text())
    assert set(report["pictures"]) == {"data", "raw", "refined", "associations"}
    assert all((tmp_path / "r" / path).is_file() for path in report["pictures"].values())
    metrics = {row["metric"] for row in report["scores"]["raw"]["scores"]}
    assert {"marginals", "gaps", "association", "c2st"} <= metrics
    page = (tmp_path / "r" / "report.html").read_text()
    assert "most in" in page
    assert page.count("data:image/png") == 4
