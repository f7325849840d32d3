"""Card: embeddings of things. Analogies of a corpus whose meaning is known, ratings, and words of real books.

Tomas Mikolov, Ilya Sutskever, Kai Chen, Greg Corrado, Jeffrey Dean. Distributed Representations of Words and Phrases
and their Compositionality. 2013. https://arxiv.org/abs/1310.4546
Jeffrey Pennington, Richard Socher, Christopher Manning. GloVe: Global Vectors for Word Representation. 2014.
https://aclanthology.org/D14-1162
Yehuda Koren, Robert Bell, Chris Volinsky. Matrix Factorization Techniques for Recommender Systems. 2009.
https://doi.org/10.1109/MC.2009.263
"""

from typing import NamedTuple

import torch

from likeness.data.made_words import questions, sentences
from likeness.data.words import Corpus, corpus
from likeness.embed import cbow, glove, ppmi, skip_gram
from likeness.embed.fitting import Passes
from likeness.embed.nearest import Vectors, right
from likeness.papers import _embeddings_ratings, _embeddings_text
from likeness.papers.card import Card, Claim, Numbers, Scale, for_each


class Budget(NamedTuple):
    """Sentences without noise and with it, passes of the methods that learn from pairs, passes of GloVe."""

    clean: int
    noisy: int
    passes: Passes
    glove: Passes


BUDGETS: dict[Scale, Budget] = {
    "quick": Budget(2000, 2000, Passes(1, 2048, 0.2), Passes(20, 3000, 0.1)),
    "laptop": Budget(30_000, 15_000, Passes(2, 2048, 0.2), Passes(1000, 3000, 0.05)),
    "gpu": Budget(200_000, 100_000, Passes(4, 4096, 0.2), Passes(3000, 3000, 0.05)),
}


def measure(seed: int, scale: Scale) -> Numbers:
    found = of_words(seed, BUDGETS[scale]) | _embeddings_ratings.of_ratings(seed, scale)
    return found | (_embeddings_text.of_texts(seed) if scale != "quick" else {})


def of_words(seed: int, budget: Budget) -> dict[str, float]:
    """Analogies right of 60, on the corpus without noise and with it."""
    found: dict[str, float] = {}
    for name, n, noise in (("clean", budget.clean, 0.0), ("noisy", budget.noisy, 0.2)):
        text = corpus(sentences(n, noise=noise, seed=seed), minimum=1)
        for method, vectors in _learned(text, budget, seed).items():
            asked = torch.tensor([[vectors.id(word) for word in q] for q in questions()])
            found[f"{name}.{method}"] = float(right(vectors.table, asked))
    return found


def _learned(text: Corpus, budget: Budget, seed: int) -> dict[str, Vectors]:
    given = {"d": 16, "window": 6, "passes": budget.passes, "seed": seed}
    torch.manual_seed(seed)
    return {
        "random": Vectors(text.words.words, torch.randn(len(text.words), 16)),
        "skip_gram": skip_gram.fit(text, **given),  # type: ignore[arg-type]
        "cbow": cbow.fit(text, **given),  # type: ignore[arg-type]
        "ppmi": ppmi.fit(text, d=8, window=6),
        "glove": glove.fit(text, d=16, window=6, passes=budget.glove, seed=seed),
    }


WORDS = (
    Claim("made corpus: analogies right of 60, random vectors", "clean.random", None, None,
          for_each(lambda n: max(n["clean.random"], n["noisy.random"]) <= 3)),
    *(Claim(f"the same, {words}, {corpus_}", f"{name}.{method}", None, f"{name}.random",
            for_each(lambda n, key=f"{name}.{method}", least=least: n[key] >= least))  # type: ignore[misc]
      for name, corpus_ in (("clean", "without noise"), ("noisy", "with noise"))
      for method, words, least in (("skip_gram", "skip-gram", 60), ("cbow", "CBOW", 50), ("ppmi", "PPMI", 60))),
    Claim("the same, GloVe, with noise", "noisy.glove", None, "noisy.random",
          for_each(lambda n: n["noisy.glove"] >= 55)),
    Claim("the same, GloVe, without noise: what tells words apart never happens", "clean.glove", None, "noisy.glove",
          for_each(lambda n: n["clean.glove"] < n["noisy.glove"])),
)  # fmt: skip

CARD = Card(
    "embeddings",
    "Distributed Representations of Words and Phrases and their Compositionality",
    "https://arxiv.org/abs/1310.4546",
    "Six roles in two genders are told by the words beside them, so all 60 analogies are known; with noise, no pair "
    "of words never stands together, which GloVe needs. A small table of ratings is memorised, which cells held out "
    "show; one of low rank is understood. Vectors of real books are held to parts of speech from another text.",
    measure,
    (*WORDS, *_embeddings_ratings.CLAIMS, *_embeddings_text.claims()),
)
