"""What was trained comes back from its folder as it was, and data are read as the settings say."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from likeness.data import Batch, load
from likeness.errors import InputError
from likeness.recipes.common import silent
from likeness.recipes.facts import facts_of
from likeness.recipes.gan import Settings
from likeness.recipes.pipeline import begin, drawing_from, free_folder, read, reopen
from likeness.run import checkpoint
from likeness.sampling import draw


def test_a_run_reopens_with_the_draws_it_had(trained) -> None:
    again = reopen(trained.session.run.folder)
    ours, theirs = (draw(s.model.sampler, 50, generator=1) for s in (trained.session, again))
    assert torch.equal(ours, theirs)
    assert again.settings == trained.session.settings
    assert again.facts == trained.session.facts
    assert again.columns is None


def test_the_model_ends_with_its_best_checkpoint(trained) -> None:
    run = trained.session.run
    lines = [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]
    scores = {r["iteration"]: r["value"] for r in lines if r["kind"] == "score"}
    _, about = checkpoint.load(run.newest())
    assert scores[about["iteration"]] == min(scores.values())
    last = reopen(run.folder, which="last").model.learner.method.iteration
    assert last == max(scores)


def test_a_setting_of_the_future_is_named(trained, tmp_path: Path) -> None:
    config = trained.session.run.config
    changed = config | {"settings": config["settings"] | {"warp": 9}}
    (tmp_path / "config.json").write_text(json.dumps(changed))
    with pytest.raises(InputError, match="has a setting 'warp'"):
        reopen(tmp_path)


def test_facts_tell_what_a_recipe_may_know() -> None:
    data = load("digits")
    facts = facts_of(data)
    assert (facts.kind, facts.event, len(facts.classes)) == ("images", (1, 8, 8), 10)
    assert sum(facts.label_counts) == facts.n_train == len(data.train)


def test_settings_reach_the_reader() -> None:
    assert len(read(Settings(data="digits", limit=50)).train) == 50
    assert read(Settings(data="digits", size=16)).event == (1, 16, 16)


def test_what_cannot_be_accumulated_is_refused_before_a_folder_is_made(tmp_path: Path) -> None:
    data = load("digits")
    with pytest.raises(InputError, match="whole batch"):
        begin("gan", Settings(data="digits", out=tmp_path / "r", accumulate=2, device="cpu"), data)
    assert not (tmp_path / "r").exists()
    begin("gan", Settings(data="grid25", out=tmp_path / "r", accumulate=2, device="cpu"), load("grid25"))


class Counted:
    """A split without end that has labels only where it is read."""

    def batches(self, *_: object) -> None: ...

    def first(self, n: int | None) -> Batch:
        assert n is not None, "a stream cannot be held whole"
        return Batch(torch.zeros(6, 1, 8, 8), torch.tensor([0, 0, 1, 2, 2, 2]))

    def __len__(self) -> int:
        return 10**6

    def __getitem__(self, index: object) -> Batch:
        raise AssertionError("a stream has no places to look up")


def test_the_classes_of_a_stream_are_counted_in_its_first_samples() -> None:
    data = replace(load("digits"), train=Counted(), classes=("a", "b", "c"))
    assert facts_of(data).label_counts == (2, 1, 3)


def test_a_batch_larger_than_the_data_is_refused_before_a_folder_is_made(tmp_path: Path) -> None:
    data = load("digits")
    with pytest.raises(InputError, match="--batch-size 5000"):
        begin("gan", Settings(data="digits", out=tmp_path / "r", batch_size=5000), data)
    assert not (tmp_path / "r").exists()


def test_a_free_folder_is_new(tmp_path: Path) -> None:
    assert free_folder(tmp_path, "a") == tmp_path / "a"
    (tmp_path / "a").mkdir()
    (tmp_path / "a-2").mkdir()
    assert free_folder(tmp_path, "a") == tmp_path / "a-3"


def test_a_table_keeps_its_columns(tmp_path: Path) -> None:
    rows = [f"{i / 3:.3f},{'uvw'[i % 3]}" for i in range(200)]
    (tmp_path / "t.csv").write_text("x,k\n" + "\n".join(rows) + "\n")
    settings = Settings(data=str(tmp_path / "t.csv"), out=tmp_path / "r", device="cpu", steps=2, batch_size=16, width=8)
    session = begin("gan", settings, read(settings))
    table = session.columns.decode(draw(session.model.sampler, 20, generator=0))
    assert table.column_names == ["x", "k"]
    assert set(table["k"].to_pylist()) <= {"u", "v", "w"}


def test_a_run_without_draws_says_so(tmp_path: Path) -> None:
    data = load("ring8")
    session = begin("gan", Settings(data="ring8", out=tmp_path / "r", device="cpu", steps=2, width=8), data)
    assert drawing_from(session) is session
    mute = session._replace(model=session.model._replace(sampler=silent))
    with pytest.raises(InputError, match="r is a run of gan, which has nothing to draw: use likeness embed"):
        drawing_from(mute)
    with pytest.raises(InputError, match="nothing to draw"):
        draw(mute.model.sampler, 3)
