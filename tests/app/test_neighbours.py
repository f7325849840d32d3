"""The neighbours of words of a run, analogies, words that are composed of parts, and what has no vectors."""

from pathlib import Path

import pytest

from likeness.app.cli import main
from likeness.app.neighbours import near, vectors_of
from likeness.data import load
from likeness.data.made_words import sentences
from likeness.errors import InputError
from likeness.recipes.pipeline import begin, reopen, training
from likeness.recipes.spaces import space_for
from likeness.recipes.word_vectors import Settings


def trained(method: str, folder: Path) -> Path:
    text = folder / "made.txt"
    text.write_text("\n".join(" ".join(words) for words in sentences(1500, noise=0.2)))
    given = {"data": str(text), "length": 20, "device": "cpu", "d": 8, "batch_size": 32, "steps": 20}
    data = load(text, tokens="words", length=20)
    session = begin("word-vectors", Settings(**given, method=method, out=folder / "run"), data)
    for _ in training(session, data, space_for("auto", data, 0, "cpu")):
        pass
    return folder / "run"


def test_neighbours_and_analogies_are_told(tmp_path: Path, capsys) -> None:
    run = trained("ppmi", tmp_path)
    assert main(["neighbours", str(run), "King", "--n", "3", "--device", "cpu"]) == 0
    told = capsys.readouterr().out
    assert vectors_of(reopen(run)).neighbours("king", 3)[0][0] in told
    assert main(["neighbours", str(run), "--analogy", "man", "king", "woman", "--device", "cpu"]) == 0
    assert "queen" in capsys.readouterr().out
    assert main(["neighbours", str(run), "kingg", "--device", "cpu"]) == 2
    assert "unknown word 'kingg': did you mean king" in capsys.readouterr().err
    assert main(["neighbours", str(run), "--device", "cpu"]) == 2


def test_words_of_no_text_are_composed_of_their_parts(tmp_path: Path) -> None:
    session = reopen(trained("fasttext", tmp_path))
    found = vectors_of(session)
    assert len(near(session, found, "queenly", 4)) == 4
    with pytest.raises(InputError, match="did you mean queen"):
        found.neighbours("queenly")
