"""Vectors of the words of a text: skip-gram, CBOW, FastText, GloVe, or the singular vectors of counts.

`likeness neighbours RUN WORD` shows what lies near a word, `--analogy man king woman` what is to woman as king is to
man. Skip-gram, CBOW and FastText learn from windows of the text as they come, with one neighbour drawn for each word;
glove and ppmi learn from counts of the whole training part, which the run reads once when it begins.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adagrad, Optimizer

from likeness.core import Method, Update
from likeness.data.batch import Batch
from likeness.data.load import load
from likeness.data.vocabulary import Vocabulary
from likeness.data.words import Corpus, Words
from likeness.embed.cbow import CBOW
from likeness.embed.fasttext import FastText
from likeness.embed.glove import GloVe, cells
from likeness.embed.nearest import Vectors
from likeness.embed.ppmi import factors, ppmi
from likeness.embed.rows import RowAdagrad
from likeness.embed.skip_gram import SkipGram
from likeness.embed.windows import cooccurrence
from likeness.errors import InputError
from likeness.ranks import per_sample
from likeness.recipes.common import Common, Facts, Model, Range, positive, silent
from likeness.run.learner import Learner

KINDS = ("text",)
SHOWN = 12  # words whose neighbours a report shows
COUNTED = ("glove", "ppmi")


@dataclass(frozen=True)
class Settings(Common):
    """Learn vectors of words."""

    tokens: Literal["characters", "pieces", "words"] = "words"
    """Words, of which vectors are learned: those that stand five times or more."""
    method: Literal["skip-gram", "cbow", "fasttext", "glove", "ppmi"] = "skip-gram"
    """What is learned from what stands near."""
    d: Annotated[int, Range(16, 300, log=True)] = 100
    """Numbers of a vector."""
    window: Annotated[int, Range(2, 10)] = 5
    """Words to either side that are near."""
    negatives: Annotated[int, Range(2, 20)] = 5
    """Words of noise that each pair is told from."""
    lr: Annotated[float | None, Range(1e-2, 1, log=True)] = None
    """Learning rate of AdaGrad; 0.1, or 0.05 of glove, if not given."""


def fitting(settings: Settings, facts: Facts) -> Settings:
    """The settings with every open choice made by the data.

    Raises:
        InputError: the text was not cut into words, or a number is out of its range.
    """
    positive(settings, "steps", "batch_size", "d", "window", "negatives", "lr", "judge_every")
    if facts.vocabulary is None or not facts.vocabulary.get("words"):
        raise InputError(f"--tokens {settings.tokens}: vectors are of words; leave it out")
    v, (length,) = len(facts.vocabulary["words"]), facts.event
    if settings.window >= length:
        raise InputError(f"--window {settings.window} of texts of --length {length}: give a smaller window")
    if settings.method == "ppmi" and settings.d >= v:
        raise InputError(f"--d {settings.d} of {v} words: give fewer numbers than words")
    steps = 1 if settings.method == "ppmi" else settings.steps or 5000
    chosen: dict[str, Any] = {
        "batch_size": min(64, facts.n_train),
        "judge_every": max(1, steps // 10),
        "lr": 0.05 if settings.method == "glove" else 0.1,
    }
    settings = replace(settings, steps=steps)
    return replace(settings, **{k: v for k, v in chosen.items() if getattr(settings, k) is None})


def build(settings: Settings, facts: Facts) -> Model:
    """The tables and what moves them, for settings without open choices."""
    assert facts.vocabulary is not None
    s, known = settings, Vocabulary.from_state(facts.vocabulary)
    counts = [0, *known.counts[1:]]  # of words that are not known nothing is learned
    moves: Callable[..., Optimizer] = RowAdagrad
    if s.method in COUNTED:
        method: Counted | Near = Counted(s, known)
        moves = SGD if s.method == "ppmi" else Adagrad
    elif s.method == "cbow":
        method = Near(CBOW(counts, s.d, k=s.negatives), s.window)
    elif s.method == "fasttext":
        method = Near(FastText(known.words, counts, s.d, k=s.negatives), s.window)
    else:
        method = Near(SkipGram(counts, s.d, k=s.negatives), s.window)
    method.to(s.device)
    optimiser: Any = moves(method.parameters(), 1.0 if s.method == "ppmi" else s.lr or 0.1)
    learner = Learner(method, optimiser, lambda: None, nn.ModuleDict({"method": method}))

    def encode(x: Tensor) -> Tensor:
        """The mean of the vectors of the words of each text; of unknown ones alone, zeros."""
        ids = x.long()
        there = (ids > 0).unsqueeze(2)
        return (method.vectors()[ids] * there).sum(1) / there.sum(1).clamp(min=1)

    def tables(*_: Any) -> dict[str, list[dict[str, Any]]]:
        found = Vectors(known.words[1:], method.vectors()[1:].cpu())
        rows = [{"word": w, "nearest": ", ".join(n for n, _ in found.neighbours(w, 6))} for w in found.names[:SHOWN]]
        return {"What lies near frequent words": rows}

    return Model(learner, silent, score=("loss", method.cost), encode=encode, tables=tables)


class Near(Method):
    """Learns from windows (n, length) of word ids, by a method that learns from words and what stands near them."""

    def __init__(self, inner: SkipGram | CBOW | FastText, window: int) -> None:
        super().__init__()
        self.inner, self.window = inner, window

    def updates(self, batch: Batch) -> Iterator[Update]:
        yield from self.inner.updates(self.near(batch.x))

    def near(self, x: Tensor) -> Batch:
        """One neighbour of each word, or for CBOW its context, by the law of drawn reaches; weight 0 where none is."""
        x, (n, length) = x.long(), x.shape
        u = per_sample(n, lambda n: torch.rand(n, length, 2, device=x.device))
        if isinstance(self.inner, CBOW):
            return self._contexts(x, 1 + (u[..., 0] * self.window).long())
        law = torch.arange(self.window, 0, -1, device=x.device).cumsum(0) / (self.window * (self.window + 1) / 2)
        apart = 1 + torch.searchsorted(law, u[..., 0].contiguous(), right=True).clamp(max=self.window - 1)
        at = torch.arange(length, device=x.device) + torch.where(u[..., 1] < 0.5, -apart, apart)
        other = x.gather(1, at.clamp(0, length - 1))
        there = (at >= 0) & (at < length) & (x > 0) & (other > 0)
        return Batch(torch.stack((x, other), 2).flatten(0, 1), there.flatten().float())

    def _contexts(self, x: Tensor, reach: Tensor) -> Batch:
        length, R = x.shape[1], self.window
        padded = torch.nn.functional.pad(x, (R, R))
        apart = [o for o in range(-R, R + 1) if o]
        beside = torch.stack([padded[:, R + o : R + o + length] for o in apart], 2)
        far = torch.tensor(apart, device=x.device).abs() > reach[..., None]
        beside = beside.masked_fill(far | (beside == 0), -1)
        there = (x > 0) & (beside >= 0).any(2)
        return Batch(torch.cat((x[..., None], beside), 2).flatten(0, 1), there.flatten().float())

    def vectors(self) -> Tensor:
        return self.inner.vectors()

    @torch.no_grad()
    def cost(self, x: Tensor) -> Tensor:
        """Of each window, the mean loss of the neighbours drawn."""
        near = self.near(x)
        drawn, wanted = self.inner.negatives.draw(len(near.x)), near.x[:, 0 if isinstance(self.inner, CBOW) else 1]
        h = self.inner.mean(near.x[:, 1:]) if isinstance(self.inner, CBOW) else self.inner.encode(near.x[:, 0])
        assert near.y is not None
        each, there = (v.view(len(x), -1) for v in (self.inner.negatives(h, wanted, drawn), near.y))
        return (each * there).sum(1) / there.sum(1).clamp(min=1)


class Counted(Method):
    """Learns from counts of the whole training part: GloVe, or the singular vectors of PPMI, which take one step."""

    def __init__(self, settings: Settings, known: Vocabulary) -> None:
        super().__init__()
        self.settings, self.known = settings, known
        self.inner = GloVe(len(known), settings.d) if settings.method == "glove" else None
        self.W = nn.Parameter(torch.zeros(len(known), settings.d), requires_grad=self.inner is None)
        self.found: tuple[Tensor, Tensor] | None = None  # not of the state: it is read again

    def updates(self, batch: Batch) -> Iterator[Update]:
        x, y = self._material()
        if self.inner is None:
            yield self, lambda: {"distance": 0.5 * (self.W - y).square().sum()}  # whose step of length one is exact
            return
        n = batch.x.numel()
        rows = per_sample(n, lambda n: torch.randint(len(x), (n,), device=x.device))
        yield from self.inner.updates(Batch(x[rows], y[rows]))

    def vectors(self) -> Tensor:
        return self.W.detach() if self.inner is None else self.inner.vectors()

    @torch.no_grad()
    def cost(self, x: Tensor) -> Tensor:
        """The same for each window: the loss of all counts, or how far the vectors are from the singular ones."""
        cell, y = self._material()
        loss = (self.W - y).square().mean() if self.inner is None else self.inner.loss(cell, y).mean()
        return loss.expand(len(x))

    def _material(self) -> tuple[Tensor, Tensor]:
        """Cells and counts; for PPMI, nothing and the singular vectors."""
        if self.found is None:
            X = cooccurrence(_corpus(self.settings, self.known), self.settings.window, near=self.inner is not None)
            if self.inner is None:
                made = torch.zeros(0, 2), factors(ppmi(X), self.settings.d)
            else:
                at, counts = cells(X)
                made = torch.from_numpy(at), torch.from_numpy(counts).float()
            self.found = made[0].to(self.W.device), made[1].to(self.W.device)
        return self.found


def _corpus(s: Settings, known: Vocabulary) -> Corpus:
    """The training part as one text; words that are not known are taken out."""
    windows: Any = load(s.data, seed=s.seed, tokens="words", length=s.length, limit=None).train
    ids = torch.cat((windows.x[0], windows.x[1:, -windows.x.stride(0) :].flatten())).numpy()
    return Corpus(Words(known.words, known.counts), ids[ids > 0], np.zeros(int((ids > 0).sum()), np.int64))
