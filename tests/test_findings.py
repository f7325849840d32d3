"""A finding reads as two sentences."""

from likeness.findings import Finding


def test_a_finding_is_a_sentence() -> None:
    assert str(Finding("x", "Seen this.", "Try that.")) == "Seen this. Try that."
    assert str(Finding("x", "Seen this.", "")) == "Seen this."
