"""The contract, sums of parts, and a word that was never seen."""

import itertools
from statistics import fmean

import pytest
import torch
from torch.nn.functional import cosine_similarity

from likeness.data.batch import Batch
from likeness.data.words import corpus
from likeness.embed.fasttext import FastText, fit
from likeness.embed.fitting import Passes
from likeness.embed.rows import RowAdagrad
from likeness.embed.subwords import table
from likeness.errors import InputError
from likeness.testing import check_method

WORDS = ["walk", "walking", "run", "running", "jump", "table"]


def test_contract() -> None:
    def build() -> FastText:
        made = FastText(WORDS, [6, 5, 4, 3, 2, 1], 4, buckets=10, block=5)
        torch.nn.init.normal_(made.negatives.vectors, std=0.1)
        return made

    x = torch.randint(6, (24, 2), generator=torch.Generator().manual_seed(0))
    check_method(build, Batch(x), lambda m: RowAdagrad(m.parameters(), 0.1))


def test_a_word_is_the_sum_of_its_parts_and_itself() -> None:
    made = FastText(WORDS, [1] * 6, 4, buckets=50)
    rows = table(WORDS, 50)[1]
    torch.testing.assert_close(made.vectors()[1], made.Z.weight[rows[rows > 0]].sum(0).detach())
    torch.testing.assert_close(made.encode(torch.tensor([1])), made.vectors()[1:2])
    own = made.Z.weight[51 + 1].detach()
    torch.testing.assert_close(made.compose("walking"), made.vectors()[1] - own, msg="composed of parts alone")


STEMS = [
    "walk",
    "jump",
    "play",
    "talk",
    "climb",
    "fish",
    "cook",
    "look",
    "help",
    "work",
    "push",
    "pull",
    "kick",
    "rest",
    "wait",
    "paint",
    "count",
    "dress",
    "sleep",
    "drink",
    "laugh",
    "knock",
    "learn",
    "plant",
    "clean",
    "reach",
]
NOUNS = ["table", "stone", "river", "cloud", "green", "paper", "glass", "happy", "metal", "seven"]


def inflected() -> list[list[str]]:
    """Sentences in which a verb stands by its topic and by what tells its form; `jumping` in none."""
    found = []
    for (i, stem), turn in itertools.product(enumerate(STEMS), range(40)):
        found.append(["they", "will", stem, f"topic{i}", "soon"])
        if stem != "jump":
            found.append(["she", "is", f"{stem}ing", f"topic{i}", "now"])
        found.append(["one", "big", NOUNS[turn % len(NOUNS)], "was", "there"])
    return found


def test_a_word_that_was_never_seen_lies_by_its_stem_and_its_ending() -> None:
    known = corpus(inflected(), minimum=1)
    for seed in range(2):
        found, made = fit(known, d=32, window=3, passes=Passes(4, 256, 0.2), buckets=5000, seed=seed)
        assert "jumping" not in found
        with pytest.raises(InputError, match="unknown word 'jumping'"):
            found["jumping"]
        cosines = dict(zip(found.names, cosine_similarity(made.compose("jumping")[None], found.table, dim=1).tolist()))
        endings = fmean(cosines[f"{stem}ing"] for stem in STEMS if stem != "jump")
        others = fmean(cosines[w] for w in found.names if w not in STEMS and not w.endswith("ing"))
        assert endings > max(others, fmean(cosines[noun] for noun in NOUNS)) + 0.04
        assert cosines["jump"] > others + 0.3


def test_a_word_without_parts_has_no_vector() -> None:
    made = FastText(WORDS, [1] * 6, 4, low=5)
    with pytest.raises(InputError, match="no part of 5 letters"):
        made.compose("on")
