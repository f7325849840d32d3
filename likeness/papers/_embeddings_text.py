"""Part of the card of embeddings: vectors of the words of real books, by what their neighbours are.

No text comes with its true neighbours, so each word is given its most frequent part of speech in a treebank of other
texts (universal tags, English Web Treebank). The measure is the share of a word's ten nearest among the 1 000 most
frequent tagged words that have its own tag; vectors drawn at random show what chance gives.
"""

import gzip
import os
from collections import Counter, defaultdict
from pathlib import Path

import torch

from likeness.data.text import read_text
from likeness.data.words import Corpus, corpus
from likeness.embed import cbow, ppmi, skip_gram
from likeness.embed.fitting import Passes
from likeness.embed.nearest import Vectors, purity
from likeness.papers.card import Claim, for_each

TREEBANK = "ud_english_ewt/en_ewt-ud-train.conllu.gz"
TEXTS = {"tiny_shakespeare": ("tiny_shakespeare", 5), "gutenberg": ("gutenberg_books/gutenberg_books.zip", 1)}
LEAST, MOST, NEAR = 3, 1000, 10  # occurrences of a word in the treebank, words looked at, neighbours


def shelf() -> Path | None:
    """The folder of data, where it holds the texts and the treebank."""
    at = Path(os.environ.get("LIKENESS_DATA") or "")
    there = at != Path() and all((at / p).exists() for p in (TREEBANK, *(name for name, _ in TEXTS.values())))
    return at if there else None


def tags(path: Path) -> dict[str, str]:
    """The most frequent universal tag of every word that stands often enough in a treebank."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            columns = line.split("\t")
            if len(columns) > 3 and columns[0].isdigit():
                found[columns[1].lower()][columns[3].strip()] += 1
    return {word: tag.most_common(1)[0][0] for word, tag in found.items() if tag.total() >= LEAST}


def paragraphs(path: Path) -> Corpus:
    """The words of a text, no window reaching over a blank line; those with one word are left out."""
    parts = (part for text in read_text(path).values() for part in text.split("\n\n"))
    return corpus([part for part in parts if len(part) > 40])


def of_texts(seed: int) -> dict[str, float]:
    """The share of neighbours with a word's own part of speech, by every method."""
    at, found = shelf(), dict[str, float]()
    if at is None:
        return {}
    known = tags(at / TREEBANK)
    for name, (place, epochs) in TEXTS.items():
        text = paragraphs(at / place)
        given = {"d": 100, "window": 5, "t": 1e-3, "passes": Passes(epochs, 4096, 0.2), "seed": seed}
        made = {"skip_gram": skip_gram.fit(text, **given), "ppmi": ppmi.fit(text, d=100, window=3)}  # type: ignore[arg-type]
        if name == "tiny_shakespeare":
            made["cbow"] = cbow.fit(text, **given)  # type: ignore[arg-type]
        torch.manual_seed(seed)
        made["random"] = Vectors(text.words.words, torch.randn(len(text.words), 100))
        found |= {f"{name}.{method}": pure(vectors, known) for method, vectors in made.items()}
    return found


def pure(vectors: Vectors, known: dict[str, str]) -> float:
    """The measure: see the module. The vectors stand in the order of their words' counts."""
    rows = torch.tensor([i for i, word in enumerate(vectors.names) if word in known][:MOST])
    order = {tag: i for i, tag in enumerate(sorted(set(known.values())))}
    labels = torch.tensor([order[known[vectors.names[i]]] for i in rows.tolist()])
    return purity(vectors.table[rows], labels, NEAR)


def claims() -> tuple[Claim, ...]:
    """None where the texts are not there."""
    if shelf() is None:
        return ()
    made = []
    for name in TEXTS:
        for method in ("skip_gram", "cbow", "ppmi") if name == "tiny_shakespeare" else ("skip_gram", "ppmi"):
            key, chance = f"{name}.{method}", f"{name}.random"
            holds = for_each(lambda n, key=key, chance=chance: n[key] > n[chance] + 0.1)  # type: ignore[misc]
            said = f"{name}: neighbours of a word's own part of speech, {method.replace('_', '-')}"
            made.append(Claim(said, key, None, chance, holds))
    return tuple(made)
