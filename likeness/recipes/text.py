"""A model of text, one character or word piece given those before it: an LSTM or a causal transformer.

Checkpoints are chosen by bits per character of the validation part: a small text is learned by heart within a few
hundred steps, and the bits of unseen text rise while those of the training part still fall.

Alex Graves. Generating Sequences With Recurrent Neural Networks. 2013. https://arxiv.org/abs/1308.0850
"""

import math
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Adam

from likeness.data.vocabulary import Vocabulary
from likeness.language.language_model import LanguageModel
from likeness.nn.lstm import LSTM
from likeness.nn.transformer import Transformer
from likeness.recipes.common import Common, Facts, Model, Range, positive
from likeness.run.learner import Learner

KINDS = ("text",)


@dataclass(frozen=True)
class Settings(Common):
    """Train a model of text."""

    network: Literal["lstm", "transformer"] = "lstm"
    """What predicts the next token."""
    width: Annotated[int, Range(64, 512, log=True)] = 192
    """Units of a layer."""
    layers: Annotated[int | None, Range(1, 6)] = None
    """How many; 1 for an LSTM and 3 for a transformer if not given."""
    dropout: Annotated[float, Range(0, 0.5)] = 0.3
    """Share of units left out while training."""
    lr: Annotated[float, Range(3e-4, 1e-2, log=True)] = 3e-3
    """Learning rate; a transformer takes a third of it."""


def fitting(settings: Settings, facts: Facts) -> Settings:
    """The settings with every open choice made by the data.

    Raises:
        InputError: a number is out of its range.
    """
    positive(settings, "steps", "batch_size", "width", "layers", "lr", "judge_every")
    steps = settings.steps or 2000
    chosen: dict[str, Any] = {
        "steps": steps,
        "batch_size": min(32, facts.n_train),
        "layers": 1 if settings.network == "lstm" else 3,
        "judge_every": max(1, steps // 40),
    }
    return replace(settings, **{k: v for k, v in chosen.items() if getattr(settings, k) is None})


def build(settings: Settings, facts: Facts) -> Model:
    """The model and its optimiser, for settings without open choices."""
    assert facts.vocabulary is not None
    known, (length,) = Vocabulary.from_state(facts.vocabulary), facts.event
    size = {"width": settings.width, "layers": settings.layers or 1, "dropout": settings.dropout}
    if settings.network == "lstm":
        network: nn.Module = LSTM(len(known), **size)  # type: ignore[arg-type]
    else:
        network = Transformer(len(known), length, **size)  # type: ignore[arg-type]
    model = LanguageModel(network, length).to(settings.device)
    lr = settings.lr if settings.network == "lstm" else settings.lr / 3
    learner = Learner(model, Adam(model.parameters(), lr), lambda: None, nn.ModuleDict({"method": model}))
    sizes = torch.tensor([len(text) for text in known.texts], device=settings.device)

    def bits(x: Tensor) -> Tensor:
        """Of each window, over the characters it has."""
        return -model.log_prob(x) / math.log(2) / sizes[x.long()].sum(1)

    kind = model.log_prob_kind
    score = ("bits_per_character", bits)
    return Model(learner, model.sample, log_prob=model.log_prob, log_prob_kind=kind, score=score)
