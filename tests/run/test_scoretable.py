import re
from typing import Any

import pytest

from likeness.errors import InputError
from likeness.run.scoretable import cells, direction, outcome, table, verdict


def row(metric: str, value: float, better: str = "lower", baseline: str | None = None) -> dict[str, Any]:
    ends = {"low": value - 0.25, "high": value + 0.25}
    return {"metric": metric, "value": value, **ends, "better": better, "baseline": baseline}


def report(*, raw: float = 5.0, refined: float = 3.0, better: str = "lower", beyond: bool = True) -> dict[str, Any]:
    baselines = [row("frechet", v, better, b) for b, v in (("noise", 85.0), ("held-out", 2.0), ("gaussian", 1.5))]
    compared = {"metric": "frechet", "raw": raw, "refined": refined, "better": better, "beyond_interval": beyond}
    return {
        "scores": {
            "raw": {"scores": [row("frechet", raw, better), *baselines]},
            "refined": {"scores": [row("frechet", refined, better), *baselines]},
        },
        "verdict": [compared | {"low": refined - raw - 0.5, "high": refined - raw + 0.5}],
    }


def text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace("[ ", "[").replace(" ]", "]").replace(" ,", ",")


@pytest.mark.parametrize(
    ("better", "raw", "refined", "result"),
    [
        ("lower", 5.0, 3.0, "better"),
        ("lower", 3.0, 5.0, "worse"),
        ("higher", 0.7, 0.9, "better"),
        ("higher", 0.9, 0.7, "worse"),
        ("one", 0.5, 1.1, "better"),
        ("one", 0.9, 1.4, "worse"),
    ],
)
def test_outcomes_follow_the_direction(better: str, raw: float, refined: float, result: str) -> None:
    compared = {"raw": raw, "refined": refined, "better": better, "beyond_interval": True}
    assert outcome(compared) == result
    assert outcome(compared | {"beyond_interval": False}) == "same"
    assert outcome(compared | {"raw": None}) == "same"


@pytest.mark.parametrize(
    ("numbers", "opening", "winner"),
    [
        ({"raw": 5.0, "refined": 3.0}, "Refined draws beat the raw ones", 1),
        ({"raw": 3.0, "refined": 5.0}, "Refining made the draws worse", 0),
        ({"raw": 5.0, "refined": 4.9, "beyond": False}, "Refining made no difference", None),
    ],
)
def test_the_sentence_and_the_mark_tell_the_same_story(numbers: Any, opening: str, winner: int | None) -> None:
    made = report(**numbers)
    assert opening in text(verdict(made))
    line = re.search(r"<tbody><tr>(.*?)</tr>", table(made))[1]  # type: ignore[index]
    columns = re.findall(r"<td.*?</td>", line)
    assert [i for i, cell in enumerate(columns) if "better" in cell] == ([] if winner is None else [winner])


def test_the_sentence_gives_both_values_with_their_intervals() -> None:
    said = text(verdict(report()))
    assert "Fréchet distance 3.00 [2.75, 3.25] refined against 5.00 [4.75, 5.25] raw (lower is better)." in said


def test_the_metric_that_chose_the_checkpoint_speaks_first_and_losses_are_named() -> None:
    made = report()
    made["verdict"].append(
        {"metric": "recall", "raw": 0.9, "refined": 0.8, "better": "higher", "beyond_interval": True}
    )
    made["verdict"].append({"metric": "modes", "raw": 9, "refined": 9, "better": "higher", "beyond_interval": False})
    said = text(verdict(made))
    assert said.index("Fréchet") < said.index("Worse: recall")
    assert "No clear difference: modes reached." in said
    said = text(verdict(made | {"best": {"metric": "recall"}}))
    assert "made the draws worse, beyond the interval: recall 0.800 refined against 0.900 raw" in said
    assert "Better: Fréchet distance." in said


def test_without_a_comparison_the_value_stands_between_real_data_and_noise() -> None:
    made = report()
    alone = {"scores": {"samples": made["scores"]["raw"]}}
    said = text(verdict(alone))
    assert "The samples score: Fréchet distance 5.00" in said
    assert "held-out real data 2.00" in said
    assert "noise 85.0" in said
    assert "better</b>" not in table(alone)


def test_columns_stand_in_one_order_with_every_value() -> None:
    html = table(report())
    heads = [text(h).strip() for h in re.findall(r'<th scope="col">(.*?)</th>', html)]
    assert heads == [
        "metric",
        "raw draws",
        "refined draws",
        "refined − raw",
        "held-out real data",
        "Gaussian fitted to the features",
        "noise",
    ]
    values = [float(v) for v in re.findall(r'<data value="([^"]+)"', html)]
    assert values == [5, 4.75, 5.25, 3, 2.75, 3.25, -2.5, -1.5, 2, 1.75, 2.25, 1.5, 1.25, 1.75, 85, 84.75, 85.25]


def test_a_metric_that_one_subject_lacks_leaves_an_empty_cell() -> None:
    made = report()
    made["scores"]["refined"]["scores"].append(row("recall", 0.9, "higher"))
    line = re.findall(r"<tr>(.*?)</tr>", table(made))[-1]
    assert re.findall(r"<td.*?</td>", line)[0] == "<td></td>"
    assert "0.900" in line


def test_values_in_a_row_share_their_decimals() -> None:
    html = text(table(report(raw=31.24, refined=3.127)))
    assert "31.2 [31.0, 31.5] 3.1 [2.9, 3.4]" in html


def test_p_values_and_known_modes_stand_beside_their_value() -> None:
    test = row("c2st", 0.61) | {"detail": {"p": 0.00213, "z": 2.86, "n": 400}}
    found = row("modes", 24.0, "higher") | {"low": 23.0, "high": 25.0, "detail": {"known": 25}}
    html = table({"scores": {"samples": {"scores": [test, found]}}})
    assert "0.610 [0.360, 0.860] p 0.00213" in text(html)
    assert "24 [23, 25] of 25 known" in text(html), "counts have no decimals"
    assert "2.86" not in html


def test_unknown_directions_are_refused() -> None:
    with pytest.raises(InputError, match="did you mean higher"):
        direction({"better": "high"})
    with pytest.raises(InputError, match="unknown direction"):
        table(report(better="refined"))


def test_no_scores_are_no_table_and_no_sentence() -> None:
    assert cells({}) == {}
    assert table({}) == verdict({}) == table({"scores": {}}) == ""
