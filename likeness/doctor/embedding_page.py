"""The page of features: what is wrong and what to try, what was looked at, and how to read each number."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from likeness.doctor import page
from likeness.doctor.part import Part
from likeness.files import replacing

WORDS = {
    "alignment": "Squared distance, on the sphere, of two views of one sample. 0: the same point; 2: as two random "
    "directions; 4: opposite. Low alone says nothing: collapsed features are perfectly aligned.",
    "class": "Own class among neighbours: 1 where a class keeps to itself. Discriminant ratio: squared distance of "
    "two centres over the spread of both classes; small where they overlap, though a curved border may part them.",
    "effective rank": "How many directions would give the same spectrum if all were used equally (exponential of the "
    "entropy of the singular values). The participation ratio is like it, and counts strong directions alone.",
    "hubness": "How unequal it is, how often rows are neighbours of others. Near 0 on an evenly covered sphere; above "
    "3 or so, a few rows are near to everything, and a search returns them again and again.",
    "mean cosine": "Of two rows at random. Above one half, most of every similarity is common to all rows.",
    "uniformity": "Logarithm of the mean of exp(−2 × squared distance) over pairs of rows on the sphere. The ideal is "
    "that of rows spread evenly; more even than that cannot be, and good features with classes are less even.",
}


def write(parts: Sequence[Part], out: Path, title: str) -> Path:
    """Write the page, whole or not at all; pictures are in it."""
    made = render(parts, title)
    with replacing(out) as beside:
        beside.write_text(made, encoding="utf-8")
    return out


def render(parts: Sequence[Part], title: str) -> str:
    """The page as HTML."""
    lead = (
        "Feature vectors are looked at here as points: whether they fill their space, whether a few of them are near "
        "to all others, whether what belongs together is together. What is wrong stands first, with what to try."
    )
    terms = "".join(f"<div><dt>{escape(term)}</dt><dd>{escape(what)}</dd></div>" for term, what in WORDS.items())
    foot = f'<section id="reading"><h2>How to read the numbers</h2><dl class="glossary">{terms}</dl></section>'
    return page.render(parts, Path(), title, lead=lead, foot=foot)
