import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import torch

from likeness.errors import InputError
from likeness.run.pictures import picture
from likeness.run.report import finite, render, write

METRICS = {
    "frechet": ("lower", 5.0312, 3.1174),
    "recall": ("higher", 0.8213, 0.7827),
    "density": ("one", 0.6611, 0.9134),
}
BASELINES = {"held-out": 2.2541, "gaussian": 8.1213, "memoriser": 1.4412, "noise": 84.9127}
DIFFERENCE = {"low": -1.9, "high": -0.3}
EVIL = '<script>alert("x")</script>'


def score(metric: str, value: float, baseline: str | None = None) -> dict[str, Any]:
    ends = {"low": 0.93 * value, "high": 1.08 * value}
    return {"metric": metric, "value": value, **ends, "better": METRICS[metric][0], "baseline": baseline}


def judged(column: int) -> dict[str, Any]:
    rows = [score(metric, values[column]) for metric, values in METRICS.items()]  # type: ignore[arg-type]
    for shift, metric in enumerate(METRICS):
        rows += [score(metric, value + shift, name) for name, value in BASELINES.items()]
    protocol = {"reference": "9f8b2c1d" * 8, "n": 797, "features": {"name": "pca", "hash": "ab12cd34" * 8}, "seed": 0}
    return {"scores": rows, "warnings": [], "protocol": protocol}


def warning(code: str, source: str = "training") -> dict[str, str]:
    return {"code": code, "saw": f"It saw {code}.", "remedy": f"Cure {code}.", "from": source}


def full() -> dict[str, Any]:
    return {
        "likeness": "0.1.0",
        "title": "gan on digits",
        "created": "2026-11-21T04:00:00Z",
        "config": {"data": "digits", "lr_G": 0.0002, "width": None, "betas": [0.0, 0.99], "augment": True},
        "environment": {"python": "3.11.2", "threads": 2},
        "data": {"name": "digits", "kind": "images", "event": [1, 8, 8], "train": 1000, "fingerprint": "c0ffee12" * 8},
        "curves": {"critic": [[10 * i, 1.3 + 0.01 * i] for i in range(1, 50)], "generator": [[10, 0.7], [20, None]]},
        "judged": [{"iteration": 100 * i, "metric": "frechet", "value": 9.0 / i, "low": 8.0 / i} for i in (1, 2, 3)],
        "best": {"iteration": 300, "metric": "frechet", "value": 3.0},
        "scores": {"raw": judged(1), "refined": judged(2)},
        "verdict": [
            {
                "metric": m,
                "raw": raw,
                "refined": refined,
                "better": b,
                "beyond_interval": True,
                "low": -1.9,
                "high": -0.3,
            }
            for m, (b, raw, refined) in METRICS.items()
        ],
        "refinement": {
            "method": "rejection",
            "acceptance_rate": 0.25313,
            "proposals": 3950,
            "exact": False,
            "ratio": {"brier": 0.18127, "auc": 0.78219, "curve": [[0.1, 0.12, 210], [0.9, 0.88, 190]]},
        },
        "pictures": {"data": "samples/data.png", "raw": "samples/raw.png"},
        "warnings": [warning("oscillation"), warning("calibration", "refine")],
        "seconds": {"train": 61.2, "judge": 19.8},
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("data", "raw"):
        picture(torch.rand(64, 1, 8, 8) * 2 - 1, tmp_path / "samples" / f"{name}.png")
    return tmp_path


class Page(HTMLParser):
    """What a reader of the page meets: tags, the exact numbers, and the text apart from them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.exact: list[float] = []
        self.plain, self.open = "", [""]
        self.feed(html)
        assert self.open == [""], f"unclosed {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "data":
            self.exact.append(float(dict(attrs)["value"] or ""))
        if tag not in ("meta", "img", "line", "circle", "polyline", "polygon"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"data", "svg", "style", "sup"} & set(self.open):
            self.plain += data

    def sections(self) -> list[str]:
        return [str(attrs["id"]) for tag, attrs in self.tags if tag == "section"]


def numbers(value: Any) -> set[float]:
    if isinstance(value, dict | list):
        return set().union(*map(numbers, value.values() if isinstance(value, dict) else value))
    return {float(value)} if isinstance(value, int | float) else set()


def test_every_number_in_the_page_comes_from_the_json(folder: Path) -> None:
    page = Page(write(full(), folder).read_text())
    saved = (folder / "report.json").read_text()
    assert set(page.exact) <= numbers(json.loads(saved))
    strings = saved.replace("T04", " 04")
    stray = [token for token in re.findall(r"\d+", page.plain) if token not in strings]
    assert not stray, f"{stray} stand in the page and not in the JSON"


def test_every_score_of_the_json_is_in_the_page(folder: Path) -> None:
    page = Page(write(full(), folder).read_text())
    scores = json.loads((folder / "report.json").read_text())["scores"]
    wanted = {row[key] for judge in scores.values() for row in judge["scores"] for key in ("value", "low", "high")}
    assert len(wanted) == 3 * (2 + 4) * 3
    assert wanted <= set(page.exact)


def test_the_json_is_the_report(folder: Path) -> None:
    write(full(), folder)
    assert json.loads((folder / "report.json").read_text()) == full()


def test_the_page_needs_nothing_but_itself(folder: Path) -> None:
    html = render(full(), folder)
    for tag, attrs in Page(html).tags:
        assert tag not in ("script", "link", "iframe", "object", "base")
        for name, value in attrs.items():
            assert not name.startswith("on")
            if name in ("src", "href"):
                assert str(value).startswith(("data:image/png;base64,", "#")), f"{tag} {name} points outside"
    style = re.search(r"<style>(.*?)</style>", html, re.S)[1]  # type: ignore[index]
    assert "url(" not in style
    assert "@import" not in style
    assert not re.search(r"https?:", html)
    assert "default-src 'none'" in html


def test_links_within_the_page_arrive(folder: Path) -> None:
    tags = Page(render(full(), folder)).tags
    ids = [attrs["id"] for _, attrs in tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {str(attrs["href"])[1:] for _, attrs in tags if "href" in attrs} <= set(ids)


def test_readers_who_cannot_see_are_served(folder: Path) -> None:
    tags = Page(render(full(), folder)).tags
    assert all(attrs.get("alt") for tag, attrs in tags if tag == "img")
    assert all(attrs.get("aria-label") for tag, attrs in tags if tag == "svg")
    assert all(attrs.get("scope") for tag, attrs in tags if tag == "th")
    assert dict(tags)["html"] == {"lang": "en"}


def infected(value: Any) -> Any:
    """The same report with markup in every text a user could have had a hand in, keys included."""
    kept = ("better", "metric", "kind", "baseline")
    if isinstance(value, dict):
        return {k: v if k in kept else infected(v) for k, v in value.items()}
    if isinstance(value, list):
        return [infected(item) for item in value]
    return EVIL + '" onload="x' if isinstance(value, str) else value


def test_names_cannot_bring_markup(folder: Path) -> None:
    bad = infected(full())
    for key in ("config", "environment", "data", "refinement", "curves", "pictures", "scores", "seconds"):
        bad[key][EVIL] = next(iter(bad[key].values()))
    bad["scores"][EVIL]["scores"][0] |= {"metric": EVIL, "baseline": EVIL}
    html = render(bad, folder)
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert not any("onload" in attrs for _, attrs in Page(html).tags)


SECTIONS = {
    "pictures": ["pictures"],
    "scores": ["scores", "protocol", "glossary"],
    "warnings": ["warnings"],
    "curves": ["training"],
    "judged": ["training", "glossary"],
    "refinement": ["refinement"],
    "data": ["protocol"],
    "config": ["settings"],
    "environment": ["settings"],
    "seconds": ["settings"],
}


@pytest.mark.parametrize("key", SECTIONS)
def test_a_section_is_there_with_its_key_alone_and_not_without(key: str, folder: Path) -> None:
    assert Page(render({key: full()[key]}, folder)).sections() == SECTIONS[key]
    for empty in ({}, None):
        if key != "warnings":
            assert Page(render({key: empty}, folder)).sections() == []
    assert Page(render({}, folder)).sections() == []


def test_no_warnings_are_said_to_be_none(folder: Path) -> None:
    html = render({"warnings": []}, folder)
    assert "<p>None.</p>" in html
    assert "read them" not in html


def test_warnings_appear_once_under_their_stage(folder: Path) -> None:
    report = full()
    both, one = warning("small-n", "judge"), warning("ceiling", "judge")
    report["scores"]["raw"]["warnings"] = [both, one]
    report["scores"]["refined"]["warnings"] = [both]
    report["warnings"].append(both)
    html = render(report, folder)
    assert html.count("It saw small-n.") == html.count("It saw ceiling.") == 1
    order = ["While training", "oscillation", "While refining", "calibration", "While judging<", "small-n"]
    places = [html.index(word) for word in [*order, "While judging the raw draws", "ceiling"]]
    assert places == sorted(places)
    assert 'href="#warnings"' in html


def test_numbers_that_are_none_are_dashes_and_nulls(folder: Path) -> None:
    report = full()
    report["scores"]["raw"]["scores"][0] |= {"value": float("nan"), "low": -float("inf")}
    report["verdict"][0]["raw"] = float("nan")
    report["curves"]["critic"][3][1] = float("inf")
    report["judged"][0]["value"] = float("nan")
    report["best"]["value"] = float("nan")
    html = write(report, folder).read_text()
    saved = (folder / "report.json").read_text()
    json.loads(saved, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert "–</span>" in html
    assert not re.search(r"\b(nan|inf|NaN|Infinity)\b", html.split("</style>")[1])
    assert "no difference beyond the interval" in html, "what is not a number beats nothing"


def test_finite_keeps_what_json_has() -> None:
    assert finite({"a": (1, 2.5, "x", None, True), "b": [float("nan")]}) == {
        "a": [1, 2.5, "x", None, True],
        "b": [None],
    }


def test_unlike_protocols_are_said_aloud(folder: Path) -> None:
    report = full()
    assert "unlike protocols" not in render(report, folder)
    report["scores"]["raw"]["protocol"] = report["scores"]["raw"]["protocol"] | {"n": 500}
    html = render(report, folder)
    assert "unlike protocols: they differ in n." in html
    assert html.count("Protocol: ") == 2


def test_empty_bins_are_left_out_of_the_calibration_curve(folder: Path) -> None:
    points = [[0.9, 0.88, 190], [0.0, 0.0, 0], [0.1, 0.12, 210]]
    html = render({"refinement": {"ratio": {"curve": points}}}, folder)
    assert "0.12 where 0.1 was predicted; 0.88 where 0.9 was predicted" in html
    assert "0 where 0 was predicted" not in html


def test_a_missing_picture_is_named(folder: Path) -> None:
    (folder / "samples" / "raw.png").unlink()
    assert "The picture samples/raw.png was not found." in render(full(), folder)


def test_many_classes_are_cut_short(folder: Path) -> None:
    html = render({"data": {"classes": [f"class-{i}" for i in range(1000)]}}, folder)
    assert "class-19, …" in html
    assert "class-20" not in html


def test_an_error_while_rendering_touches_nothing(folder: Path) -> None:
    write(full(), folder)
    before = {path: path.read_bytes() for path in folder.glob("report.*")}
    bad = full()
    bad["title"] = "another"
    bad["scores"]["raw"]["scores"][0]["better"] = "sideways"
    with pytest.raises(InputError, match="unknown direction of a metric 'sideways'"):
        write(bad, folder)
    assert {path: path.read_bytes() for path in folder.glob("report.*")} == before


def test_a_full_disk_leaves_the_old_page(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = write(full(), folder)
    before, names = page.read_bytes(), sorted(folder.iterdir())

    def no_space(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", no_space)
    with pytest.raises(InputError, match="no space left"):
        write(full() | {"title": "another"}, folder)
    assert page.read_bytes() == before
    assert sorted(folder.iterdir()) == names


def test_the_page_stays_small_however_long_the_run(folder: Path) -> None:
    report = full()
    report["curves"] = {name: [[i, float(i % 7)] for i in range(20_000)] for name in ("critic", "generator")}
    pictures = sum(path.stat().st_size for path in (folder / "samples").iterdir())
    assert len(render(report, folder)) < 1.4 * pictures + 100_000


def test_it_is_said_what_the_draws_are_beside_figures_and_scores(tmp_path: Path) -> None:
    page = render(full() | {"drawn": "means of p(x|z)"}, tmp_path)
    assert page.count("<p>Draws are means of p(x|z).</p>") == 2
    assert "Draws are" not in render(full(), tmp_path)
    assert "Draws are" not in render({"drawn": "means of p(x|z)"}, tmp_path)
