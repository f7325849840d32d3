"""The demonstration is the training of a recipe with settings of its own."""

from pathlib import Path

from likeness.app import demo, train


def test_the_demo_trains_on_data_that_is_built_in(tmp_path: Path, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(train, "run", asked.append)
    demo.run(demo.Options(out=tmp_path / "run", seed=3))
    (what,) = asked
    assert (what.name, what.settings.data, what.settings.seed) == ("gan", "grid25", 3)
    assert what.settings.out == tmp_path / "run"
