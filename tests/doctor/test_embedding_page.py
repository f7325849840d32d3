"""The page says what is wrong first, and how to read each number last."""

from pathlib import Path

from likeness.doctor.embedding_page import WORDS, render, write
from likeness.doctor.part import Part
from likeness.findings import Finding

PART = Part("spread", "Spread", ["Seen."], {"uniformity": -1.5}, findings=[Finding("collapse", "It fell.", "Lift it.")])


def test_the_order_of_the_page(tmp_path: Path) -> None:
    page = write([PART], tmp_path / "p.html", "Features <x>").read_text()
    order = [page.index(s) for s in ("Features &lt;x&gt;", "One thing is", "Lift it.", "Seen.", "How to read")]
    assert order == sorted(order)
    assert all(term in page for term in WORDS)
    assert "http" not in page.split("</style>")[1]


def test_nothing_wrong_is_said() -> None:
    assert "Nothing was found wrong" in render([PART._replace(findings=[])], "T")
