"""Tags of a treebank, and the share of neighbours that have them."""

import gzip

import torch

from likeness.embed.nearest import Vectors
from likeness.papers._embeddings_text import claims, of_texts, paragraphs, pure, tags


def test_the_most_frequent_tag_of_a_word(tmp_path) -> None:
    rows = [
        ("1", "Walk", "VERB"),
        ("2", "walk", "NOUN"),
        ("3", "walk", "VERB"),
        ("3-4", "dogs", "X"),
        ("4", "dog", "NOUN"),
    ]
    with gzip.open(tmp_path / "t.gz", "wt") as f:
        f.write("# a comment\n" + "".join(f"{i}\t{w}\t_\t{t}\n" for i, w, t in rows))
    assert tags(tmp_path / "t.gz") == {"walk": "VERB"}


def test_pure_neighbours() -> None:
    names = [f"{kind}{i}" for i in range(12) for kind in "nv"]
    table = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).repeat(12, 1) + 0.01 * torch.randn(24, 2)
    known = {name: {"n": "NOUN", "v": "VERB"}[name[0]] for name in names}
    assert pure(Vectors(names, table), known) == 1.0
    assert pure(Vectors([*names, "unknown"], torch.cat((table, table[:1]))), known) == 1.0


def test_windows_end_with_a_paragraph(tmp_path) -> None:
    (tmp_path / "a.txt").write_text("\n\n".join(["one two three four five six seven eight nine"] * 6))
    made = paragraphs(tmp_path / "a.txt")
    assert int(made.text.max()) == 5
    assert len(made.words) == 9


def test_without_the_texts_there_is_nothing(monkeypatch) -> None:
    monkeypatch.delenv("LIKENESS_DATA", raising=False)
    assert of_texts(0) == {}
    assert claims() == ()
