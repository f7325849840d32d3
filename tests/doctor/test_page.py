"""The page says first what is wrong, escapes what it shows, and holds every number and picture."""

from pathlib import Path

import torch

from likeness.doctor.page import render, write
from likeness.doctor.part import Part
from likeness.findings import Finding
from likeness.run.pictures import grid

PARTS = [
    Part("a", "A <b>", ["1 & 2"], {"kl": (1.0, 0.5, 1.5), "none": None}, findings=[Finding("code-x", "saw", "try")]),
    Part("t", "T", numbers={"r": {"c": 1.5, "d": (2.0, 1.0, 3.0)}, "list": [1]}),
]


def test_everything_is_on_the_page(tmp_path: Path) -> None:
    grid(torch.zeros(1, 1, 8, 8), tmp_path / "p.png")
    page = write([*PARTS, Part("p", "P", pictures=["p.png"])], tmp_path, "Title").read_text()
    assert page.index("One thing is to be looked at") < page.index("1 &amp; 2")
    assert "A &lt;b&gt;" in page
    assert "KL (nats)" in page
    assert "code-x" in page
    assert "data:image/png;base64," in page
    assert page.count("<td>") == 2
    assert "http" not in page.split("</style>")[1]


def test_a_healthy_run_is_said_to_be_one(tmp_path: Path) -> None:
    assert "Nothing was found wrong" in render(PARTS[1:], tmp_path, "T")
