"""Every way learns from a text and comes back, neighbours are drawn by the law of windows, and what does not suit."""

from pathlib import Path

import pytest
import torch

from likeness.data import load
from likeness.data.batch import Batch
from likeness.data.made_words import sentences
from likeness.embed.rows import RowAdagrad
from likeness.embed.skip_gram import SkipGram
from likeness.errors import InputError
from likeness.recipes.facts import facts_of
from likeness.recipes.pipeline import begin, reopen, training
from likeness.recipes.spaces import space_for
from likeness.recipes.word_vectors import Near, Settings, fitting
from likeness.testing import check_method


@pytest.fixture(scope="module")
def text(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("text") / "made.txt"
    path.write_text("\n".join(" ".join(words) for words in sentences(1500, noise=0.2)))
    return path


@pytest.mark.parametrize("method", ["skip-gram", "cbow", "fasttext", "glove", "ppmi"])
def test_a_run_learns_and_comes_back(method: str, text: Path, tmp_path: Path) -> None:
    data = load(text, tokens="words", length=20)
    given = {"data": str(text), "length": 20, "device": "cpu", "d": 8, "batch_size": 32}
    steps = None if method == "ppmi" else 60
    session = begin("word-vectors", Settings(**given, method=method, steps=steps, out=tmp_path / "r"), data)
    space = space_for("auto", data, 0, "cpu")
    scores = [t.score.value for t in training(session, data, space) if t.score is not None]
    assert scores[-1] < scores[0] or method == "ppmi"
    assert method != "ppmi" or scores[-1] < 1e-9
    again, x = reopen(tmp_path / "r"), data.test[torch.arange(4)].x
    torch.testing.assert_close(again.model.encode(x), session.model.encode(x))
    assert again.model.encode(x).shape == (4, 8)
    assert len(session.model.tables(data, space)["What lies near frequent words"]) == 12
    assert not session.model.draws


def test_contract_of_windows() -> None:
    def build() -> Near:
        made = Near(SkipGram([0, 8, 7, 6, 5, 4, 3, 2, 1], 4, block=7), 2)
        torch.nn.init.normal_(made.inner.negatives.vectors, std=0.1)
        return made

    check_method(build, Batch(torch.randint(9, (12, 6))), lambda m: RowAdagrad(m.parameters(), 0.1))


def test_neighbours_are_near_and_known() -> None:
    x = 1 + torch.arange(40).repeat(3000, 1)
    x[:, 7] = 0
    near = Near(SkipGram([1] * 50, 4), 3).near(x)
    pairs, there = near.x, near.y.bool()
    apart = (pairs[:, 0] - pairs[:, 1]).abs()[there]
    assert 1 <= int(apart.min()) <= int(apart.max()) <= 3
    assert not (pairs[there] == 0).any()
    inside = there.view(-1, 40)[:, 12:30].flatten()
    shares = torch.bincount((pairs[:, 0] - pairs[:, 1]).abs().view(-1, 40)[:, 12:30].flatten()[inside], minlength=4)
    torch.testing.assert_close(shares[1:] / shares.sum(), torch.tensor([3, 2, 1]) / 6, atol=0.01, rtol=0)


@pytest.mark.parametrize(
    ("given", "told"),
    [({"window": 20}, "--window 20"), ({"method": "ppmi", "d": 500}, "--d 500 of"), ({"d": 0}, "--d 0")],
)
def test_what_does_not_suit_is_refused(given: dict, told: str, text: Path) -> None:
    facts = facts_of(load(text, tokens="words", length=20))
    with pytest.raises(InputError, match=told):
        fitting(Settings(data=str(text), **given), facts)


def test_characters_have_no_vectors(text: Path) -> None:
    with pytest.raises(InputError, match="--tokens characters"):
        fitting(Settings(data=str(text), tokens="characters"), facts_of(load(text)))
