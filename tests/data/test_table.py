from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from likeness.data import load, whole
from likeness.data.table import read_table, row_digests
from likeness.errors import InputError

HEAD = "age,job,income,owner\n"


def rows(n: int = 60, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    jobs = rng.choice(["cook", "smith", "poet"], n)
    return [f"{rng.integers(18, 90)},{job},{rng.normal(1000, 99):.2f},{rng.random() < 0.5}" for job in jobs]


def save(path: Path, lines: list[str], head: str = HEAD) -> Path:
    path.write_text(head + "\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet"])
def test_every_kind_of_file_gives_the_same_data(tmp_path: Path, ending: str) -> None:
    reference = load(save(tmp_path / "a.csv", rows()), label="job")
    table = csv.read_csv(tmp_path / "a.csv")
    path = tmp_path / f"t.{ending}"
    if ending == "parquet":
        parquet.write_table(table.set_column(1, "job", table["job"].dictionary_encode()), path)
    else:
        separator = {"csv": ",", "tsv": "\t"}[ending]
        save(path, [line.replace(",", separator) for line in rows()], HEAD.replace(",", separator))
    data = load(path, label="job")
    assert data.kind == "table"
    assert data.classes == ("cook", "poet", "smith")
    assert data.fingerprint == reference.fingerprint


def test_a_split_decodes_to_rows_of_the_file(tmp_path: Path) -> None:
    data = load(save(tmp_path / "a.csv", rows()))
    assert data.event == (data.columns.width,)
    everything = pa.concat_tables([data.columns.decode(whole(s).x) for s in (data.train, data.validation, data.test)])
    found = sorted(f"{r['age']},{r['job']},{r['income']:.2f},{r['owner']}" for r in everything.to_pylist())
    assert found == sorted(rows())


def test_the_codec_has_seen_training_rows_only(tmp_path: Path) -> None:
    data = load(save(tmp_path / "a.csv", rows(300)))
    x = whole(data.train).x[:, 0]
    assert float(x.mean()) == pytest.approx(0, abs=1e-5)
    assert float(x.std(correction=0)) == pytest.approx(1, rel=1e-4)
    assert abs(float(whole(data.test).x[:, 0].mean())) > 1e-4


def test_copies_of_a_row_stay_on_one_side(tmp_path: Path) -> None:
    lines = rows(40)
    data = load(save(tmp_path / "a.csv", lines + lines[:20]))
    sides = [{tuple(row) for row in whole(s).x.tolist()} for s in (data.train, data.validation, data.test)]
    assert sum(map(len, sides)) == len(set().union(*sides)) == 40


def test_row_digests_see_every_cell_and_its_column() -> None:
    a = pa.table({"a": [1, 1, 2, None], "b": ["x", "y", "x", "x"]})
    assert len(set(row_digests(a).tolist())) == 4
    assert row_digests(pa.table({"a": [1], "b": [2]})) != row_digests(pa.table({"a": [2], "b": [1]}))
    assert row_digests(a.take([1]))[0] == row_digests(a)[1]


def test_gaps_in_csv_are_gaps(tmp_path: Path) -> None:
    table = read_table(save(tmp_path / "a.csv", ["1,,NA,true", "?,cook,3.5,", "2,poet,,false"]))
    assert table.to_pydict() == {
        "age": [1, None, 2],
        "job": [None, "cook", "poet"],
        "income": [None, 3.5, None],
        "owner": [True, None, False],
    }


def test_a_first_line_of_numbers_is_a_row(tmp_path: Path) -> None:
    assert read_table(save(tmp_path / "a.csv", ["3,4"], head="1,2.5\n")).to_pydict() == {"f0": [1, 3], "f1": [2.5, 4]}


def test_parts_in_a_folder_are_kept_and_unseen_categories_are_said(tmp_path: Path) -> None:
    save(tmp_path / "train.csv", [f"{i},{'ab'[i % 2]}" for i in range(40)], "n,c\n")
    save(tmp_path / "test.csv", ["100.5,z", "101,a"], "n,c\n")
    data = load(tmp_path)
    assert (len(data.train), len(data.validation), len(data.test)) == (36, 4, 2)
    assert [n.code for n in data.notes] == ["unseen-categories"]
    assert "'z'" in data.notes[0].saw


def test_columns_can_be_dropped(tmp_path: Path) -> None:
    path = save(tmp_path / "a.csv", [f"{i},name {i}" for i in range(200)], "n,who\n")
    with pytest.raises(InputError, match="'who'"):
        load(path)
    assert load(path, drop=["who"]).event == (1,)


STRAY = [*(f"{i},cook,{i}.5,true" for i in range(40)), "abc,cook,3.5,true"]


@pytest.mark.parametrize(
    ("lines", "options", "said"),
    [
        ([], {}, "no rows"),
        (["1,cook,2,true,5"], {}, "cannot read .*Expected 4 columns"),
        (
            [f"{i},cook,{i}.5,true" for i in range(40)] + ["abc,cook,3.5,true"],
            {},
            "'age' of a.csv holds numbers, but 'abc' in row 41",
        ),
        (["1,cook,inf,true", "2,cook,1,true"], {}, "infinity in row 1"),
        (rows(), {"label": "jobs"}, "unknown column 'jobs'.*did you mean job"),
        (rows(), {"label": "income"}, "'income' has .* different values"),
        ([*rows(), "20,,3.5,true"], {"label": "job"}, "has gaps"),
        (rows(), {"drop": ("nobody",)}, "unknown column 'nobody'"),
        (rows(), {"size": 8}, "for images"),
    ],
)
def test_tables_that_cannot_be_used_say_why(tmp_path: Path, lines: list[str], options, said: str) -> None:
    with pytest.raises(InputError, match=said) as raised:
        load(save(tmp_path / "a.csv", lines), **options)
    assert "\n" not in str(raised.value)


def test_an_empty_file_and_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("")
    with pytest.raises(InputError, match="Empty CSV"):
        read_table(tmp_path / "a.csv")
    with pytest.raises(InputError, match="two columns named 'a'"):
        read_table(save(tmp_path / "b.csv", ["1,2"], "a,a\n"))


def test_columns_of_lists_are_refused(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"n": list(range(9)), "tags": [["a"]] * 9}), tmp_path / "t.parquet")
    with pytest.raises(InputError, match="'tags' holds list"):
        load(tmp_path / "t.parquet")


@pytest.mark.parametrize(("test", "said"), [("n\n1\n", "no column 'c'"), ("n,c\nx,a\n", "differ in their types")])
def test_parts_that_do_not_fit_each_other_are_refused(tmp_path: Path, test: str, said: str) -> None:
    save(tmp_path / "train.csv", [f"{i},{'ab'[i % 2]}" for i in range(40)], "n,c\n")
    (tmp_path / "test.csv").write_text(test)
    with pytest.raises(InputError, match=said):
        load(tmp_path)
