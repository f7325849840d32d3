"""Files, folders and names come in one form; what does not fit is named."""

from pathlib import Path

import numpy as np
import pytest
import torch

from likeness.app.inputs import material, real_batch
from likeness.data import load, whole
from likeness.data.export import write
from likeness.errors import InputError


def test_a_file_is_whole_and_a_name_is_a_split(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((5, 2), np.float32))
    assert len(real_batch(str(tmp_path / "x.npy"), "test").x) == 5
    assert torch.equal(real_batch("digits", "test").x, whole(load("digits").test).x)


def test_shapes_have_to_agree(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((5, 2), np.float32))
    np.save(tmp_path / "y.npy", np.ones((5, 3), np.float32))
    with pytest.raises(InputError, match=r"have shape \(2,\), those of .*y.npy \(3,\)"):
        material(tmp_path / "x.npy", str(tmp_path / "y.npy"), None, "test")


def test_tables_share_the_columns_of_the_training_rows(tmp_path: Path) -> None:
    for name, kinds in (("a", "xy"), ("b", "xyz"), ("train", "xyz")):
        rows = [f"{i / 7},{kinds[i % len(kinds)]}" for i in range(30)]
        (tmp_path / f"{name}.csv").write_text("v,k\n" + "\n".join(rows) + "\n")
    given = material(tmp_path / "a.csv", str(tmp_path / "b.csv"), str(tmp_path / "train.csv"), "test")
    assert given.samples.shape == (30, 4)
    assert given.real.x.shape == (30, 4)
    assert given.columns.decode(given.samples)["k"].to_pylist()[:4] == ["x", "y", "x", "y"]
    (tmp_path / "less.csv").write_text("v\n1\n2.5\n")
    with pytest.raises(InputError, match="has no column 'k'"):
        material(tmp_path / "less.csv", str(tmp_path / "b.csv"), None, "test")


def test_rows_on_file_stand_beside_a_data_set_of_the_same_columns(tmp_path: Path) -> None:
    data = load("mixed-table")
    write(whole(data.validation, 40).x, tmp_path / "s.csv", data)
    given = material(tmp_path / "s.csv", "mixed-table", "mixed-table", "test")
    assert torch.allclose(given.samples, whole(data.validation, 40).x, atol=1e-4)
    assert torch.equal(given.real.x, whole(data.test).x)
    assert len(given.train.x) == len(data.train)
    with pytest.raises(InputError, match="--train digits beside the data set mixed-table"):
        material(tmp_path / "s.csv", "mixed-table", "digits", "test")
