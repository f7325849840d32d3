"""What a report says of text: texts to read, bits per character and per token, repetition at several temperatures."""

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from likeness.language.generate import filters
from likeness.language.repetition import repetition
from likeness.recipes.pipeline import Session
from likeness.sampling import Sampler, draw

SHOWN, MEASURED, TEMPERATURES = 6, 8, (0.0, 0.5, 0.8, 1.0)
CHARACTERS = 400_000  # of the training text that copies are looked for in


def written(session: Session, test: Tensor, train: Tensor, samplers: Mapping[str, Sampler]) -> dict[str, Any]:
    """The entries `texts`, `bits` and `repetition` of a report."""
    known, model, seed = session.vocabulary, session.model, session.settings.seed
    assert known is not None
    assert model.log_prob is not None
    device = session.settings.device
    nats = sum(float(model.log_prob(part.to(device)).sum()) for part in test.split(256))
    characters = sum(len(known.decode(row)) for row in test)
    shown = {"data": test[:SHOWN]} | {name: draw(s, SHOWN, generator=seed) for name, s in samplers.items()}
    learned = [known.decode(row) for row in train[: CHARACTERS // train.shape[1]]]
    sampler: Any = model.sampler  # of a language model, which takes filters
    rows = []
    for tau in TEMPERATURES:
        x = draw(partial(sampler, through=filters(tau)), MEASURED, generator=seed)
        rows.append({"temperature": tau, **repetition([known.decode(r) for r in x], "\n".join(learned))._asdict()})
    bits = -nats / math.log(2) / torch.tensor([characters, test.numel()]).double()
    return {
        "texts": {name: [known.decode(row) for row in x] for name, x in shown.items()},
        "bits": {"per character of the test part": float(bits[0]), "per token of the test part": float(bits[1])},
        "repetition": rows,
    }
