import json
from dataclasses import replace

import pytest

from likeness.errors import InputError
from likeness.findings import Finding
from likeness.judge.protocol import Protocol
from likeness.judge.score import METRICS, Scores, compare, score

PROTOCOL = Protocol("a" * 64, 100, 50, "raw", "", "none", "float32", 5, 0)
ROWS = (
    score("frechet", (2.0, 1.5, 2.5)),
    score("c2st", (0.6, 0.5, 0.7), p=0.03),
    score("frechet", (1.0, 0.5, 1.5), "held-out"),
)
SCORES = Scores(ROWS, PROTOCOL, (Finding("code", "Saw.", "Do."),))


def test_the_json_form():
    read = json.loads(SCORES.to_json())
    assert set(read) == {"scores", "warnings", "protocol"}
    expected = {"metric": "frechet", "value": 2.0, "low": 1.5, "high": 2.5, "better": "lower", "baseline": None}
    assert read["scores"][0] == expected | {"detail": {}}
    assert read["scores"][1]["detail"] == {"p": 0.03}
    assert read["scores"][2]["baseline"] == "held-out"
    assert read["warnings"] == [{"code": "code", "saw": "Saw.", "remedy": "Do."}]
    assert read["protocol"]["reference"] == "a" * 64


def test_json_comes_back():
    assert Scores.from_json(SCORES.to_json()) == SCORES


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"scores": [{"metric": 1}], "warnings": [], "protocol": {}}'])
def test_other_json_is_refused(text):
    with pytest.raises(InputError, match="not the scores of a judge"):
        Scores.from_json(text)


def test_rows_by_name():
    assert SCORES["frechet"].value == 2
    assert SCORES.of("frechet", "held-out").value == 1
    with pytest.raises(InputError, match="no 'recall' for the subject: computed were frechet, c2st"):
        SCORES["recall"]


def test_the_table_has_a_column_for_each_baseline():
    assert SCORES.table() == [
        ["metric", "better", "subject", "held-out"],
        ["frechet", "lower", "2 [1.5, 2.5]", "1 [0.5, 1.5]"],
        ["c2st", "lower", "0.6 [0.5, 0.7]", ""],
    ]


def test_comparing():
    other = replace(SCORES, rows=(score("frechet", (3.0, 2.0, 4.0)), *ROWS[2:]))
    assert compare({"mine": SCORES, "yours": other})[:2] == [
        ["metric", "better", "mine", "yours", "held-out"],
        ["frechet", "lower", "2 [1.5, 2.5]", "3 [2, 4]", "1 [0.5, 1.5]"],
    ]
    unlike = replace(SCORES, protocol=replace(PROTOCOL, n=49))
    with pytest.raises(InputError, match=r"mine and yours .*\(n: 50 and 49\)"):
        compare({"mine": SCORES, "yours": unlike})


def test_every_direction_is_one_of_three():
    assert set(METRICS.values()) == {"higher", "lower", "one"}
