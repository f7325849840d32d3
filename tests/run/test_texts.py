"""Texts are shown as they are, escaped; nothing is said where there are none."""

from likeness.run.texts import texts


def test_texts_are_escaped() -> None:
    row = {"temperature": 0.0, "repeated": 0.9, "longest": 30.0, "distinct": 0.1, "copied": 0.0}
    page = texts({"texts": {"raw": ["<script>alert(1)</script>"]}, "bits": {"per character": 2.5}, "repetition": [row]})
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "2.5" in page
    assert "repeated 20-grams" in page
    assert texts({}) == ""
