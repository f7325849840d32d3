"""`likeness neighbours RUN WORD…`: what lies near a word, and `--analogy man king woman`: what queen is to these."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
import tyro

from likeness.app.console import table
from likeness.app.together import together
from likeness.embed.nearest import Found, Vectors
from likeness.errors import InputError
from likeness.recipes.pipeline import Session, reopen


@dataclass(frozen=True)
class Options:
    """The words nearest to others, by cosine."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of a run of word-vectors."""
    words: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """Words to look beside; of fasttext, also ones that stand in no text."""
    analogy: tuple[str, str, str] | None = None
    """Three words a, b and c: what is to c as b is to a?"""
    n: int = 10
    """How many."""
    checkpoint: str | None = None
    """Name of a checkpoint; the best one if not given."""
    device: str = "auto"
    """cpu, cuda, cuda:1 …; auto takes a GPU where there is one."""
    threads: int | None = None
    """Processor threads."""


def run(options: Options) -> None:
    if not options.words and options.analogy is None:
        raise InputError("no word: name one or more, or give --analogy with three")
    with together(options.device, options.threads) as where:
        session = reopen(options.run, which=options.checkpoint, device=where)
        vectors = vectors_of(session)
        asked = [(word.lower(), near(session, vectors, word.lower(), options.n)) for word in options.words]
    if options.analogy is not None:
        a, b, c = (word.lower() for word in options.analogy)
        asked.append((f"{a} : {b} = {c} : ?", vectors.analogy(a, b, c, options.n)))
    for title, found in asked:
        table(("word", "cosine"), [(name, f"{cosine:.3f}") for name, cosine in found], title)


def vectors_of(session: Session) -> Vectors:
    """The vectors of all words that a run knows.

    Raises:
        InputError: it learned no vectors of words.
    """
    known, encode = session.vocabulary, session.model.encode
    if known is None or not known.words or encode is None:
        raise InputError(f"{session.run.folder}: a {session.run.recipe} has no vectors of words; train word-vectors")
    ids = torch.arange(1, len(known), device=session.settings.device)
    return Vectors(known.words[1:], encode(ids[:, None]).cpu())


def near(session: Session, vectors: Vectors, word: str, n: int) -> Found:
    """The neighbours of a word, which may be composed of its parts where the run can do so."""
    inner: Any = getattr(session.model.learner.method, "inner", None)
    if word not in vectors and hasattr(inner, "compose"):
        return vectors.near(inner.compose(word).cpu(), n)
    return vectors.neighbours(word, n)
