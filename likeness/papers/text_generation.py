"""Card: text, one token given those before it: what a network gains over frequencies, and how draws repeat themselves.

Greedy draws loop, draws of the model itself do not; a small text is learned by heart, so that the best step is chosen
on a part of its own and scored on a third.

Alex Graves. Generating Sequences With Recurrent Neural Networks. 2013. https://arxiv.org/abs/1308.0850
Ari Holtzman, Jan Buys, Li Du, Maxwell Forbes, Yejin Choi. The Curious Case of Neural Text Degeneration. 2020.
https://arxiv.org/abs/1904.09751
"""

import copy
import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Adam

from likeness.core import train
from likeness.data import Dataset, batches, load, whole
from likeness.language import LanguageModel
from likeness.language.generate import filters
from likeness.language.ngrams import baselines
from likeness.language.repetition import repeated
from likeness.nn.lstm import LSTM
from likeness.nn.transformer import Transformer
from likeness.papers._next_vector import accuracies
from likeness.papers._shelf import there
from likeness.papers.card import Card, Claim, Numbers, Scale, for_each

LARGE = "tiny_shakespeare"


class Budget(NamedTuple):
    """Steps of training, units, characters of a draw, the steps between two looks at the validation part."""

    steps: int
    width: int
    drawn: int
    every: int


BUDGETS: dict[Scale, Budget] = {
    "quick": Budget(120, 96, 200, 20),
    "laptop": Budget(600, 192, 600, 50),
    "gpu": Budget(6000, 512, 600, 200),
}


def measure(seed: int, scale: Scale) -> Numbers:
    budget = BUDGETS[scale]
    found = measured("descriptions", budget, seed)
    if scale != "quick" and on_the_shelf():
        found |= measured(LARGE, budget, seed)
    return found


def on_the_shelf() -> bool:
    """Whether the larger text lies where LIKENESS_DATA says."""
    return there(LARGE)


def measured(name: str, budget: Budget, seed: int) -> dict[str, float]:
    """Bits per character of the test part, and the share of repeated 20-grams of draws by every rule."""
    data = load(name, seed=seed)
    assert data.vocabulary is not None
    v, test = len(data.vocabulary), whole(data.test).x
    stream = torch.from_numpy(data.vocabulary.encode(_text(data)))
    found = {f"{name}.{k}": b for k, b in baselines(stream, test.flatten(), v).items()}
    torch.manual_seed(seed)
    lstm, curve = trained(LSTM(v, width=budget.width), data, budget, 3e-3, seed)
    found |= {f"{name}.lstm": bits(lstm, data), f"{name}.over_fit": curve[-1][0] - min(b for b, _ in curve)}
    found[f"{name}.train_fell"] = min(curve, key=lambda c: c[0])[1] - curve[-1][1]
    found |= {f"{name}.{k}": b for k, b in accuracies(
        lstm, data, test, width=budget.width, steps=budget.steps // 2, seed=seed).items()}  # fmt: skip
    net = Transformer(v, data.event[0], width=budget.width, layers=3, dropout=0.3)
    found[f"{name}.transformer"] = bits(trained(net, data, budget, 1e-3, seed)[0], data)
    pieces = load(name, seed=seed, tokens="pieces", pieces=300, length=40)
    assert pieces.vocabulary is not None
    words = LSTM(len(pieces.vocabulary), width=budget.width)
    found[f"{name}.pieces"] = bits(trained(words, pieces, budget, 3e-3, seed)[0], pieces)
    rules = {"greedy": filters(0), "tau5": filters(0.5), "tau8": filters(0.8), "tau10": filters(),
             "top10": filters(k=10), "nucleus9": filters(p=0.9)}  # fmt: skip
    for rule, through in rules.items():
        x = lstm.sample(8, generator=seed, length=budget.drawn, through=through, prompt=test[0, :4])
        found[f"{name}.{rule}"] = sum(repeated(row.tolist()) for row in x) / len(x)
    return found


def trained(
    network: nn.Module, data: Dataset, budget: Budget, lr: float, seed: int
) -> tuple[LanguageModel, list[tuple[float, float]]]:
    """The model of the best step by validation, and (validation bits, training bits) at each look, both per token."""
    model = LanguageModel(network, data.event[0])
    held, curve, best, state = whole(data.validation, 300).x, [], math.inf, model.state_dict()
    moves, since = Adam(model.parameters(), lr), []
    for step in train(model, batches(data.train, 32, seed=seed, steps=budget.steps), moves):
        since.append(float(step.terms["nats_per_token"]) / math.log(2))
        if step.iteration % budget.every == 0:
            value = -float(model.log_prob(held).mean()) / math.log(2) / data.event[0]
            curve.append((value, sum(since) / len(since)))
            since.clear()
            if value < best:
                best, state = value, copy.deepcopy(model.state_dict())
    model.load_state_dict(state)
    return model.eval(), curve


def bits(model: LanguageModel, data: Dataset) -> float:
    """Bits per character of the test part, each window from its beginning."""
    assert data.vocabulary is not None
    x: Tensor = whole(data.test).x
    nats = -sum(float(model.log_prob(part).sum()) for part in x.split(256))
    return nats / math.log(2) / sum(len(data.vocabulary.decode(row)) for row in x)


def _text(data: Dataset) -> str:
    """The training part, whose windows overlap, once."""
    assert data.vocabulary is not None
    split = data.train
    ids = split.x  # type: ignore[attr-defined]
    stride = ids.stride(0)
    return data.vocabulary.decode(ids[0]) + data.vocabulary.decode(ids[1:, -stride:].flatten())


def _claims(name: str) -> tuple[Claim, ...]:
    scales: tuple[Scale, ...] = ("laptop", "gpu")
    small = scales if name == "descriptions" else ()  # the other is not learned by heart in so few steps
    return (
        *(Claim(f"{name}: bits per character, {k}", f"{name}.{k}", scales=scales)
          for k in ("uniform", "unigram", "bigram", "trigram")),
        Claim(f"{name}: bits per character, LSTM", f"{name}.lstm", None, f"{name}.trigram",
              for_each(lambda n: n[f"{name}.lstm"] < n[f"{name}.trigram"]), scales),
        Claim(f"{name}: the same, transformer", f"{name}.transformer", None, f"{name}.lstm", scales=scales),
        Claim(f"{name}: the same, LSTM of word pieces", f"{name}.pieces", None, f"{name}.lstm", scales=scales),
        Claim(f"{name}: next characters right, by the nearest of their vectors", f"{name}.vector_right", None,
              f"{name}.softmax_right",
              for_each(lambda n: n[f"{name}.vector_right"] <= n[f"{name}.softmax_right"] + 0.01), scales),
        Claim(f"{name}: validation bits lost after the best step", f"{name}.over_fit", None, f"{name}.train_fell",
              for_each(lambda n: n[f"{name}.over_fit"] > 0.1 and n[f"{name}.train_fell"] > 0), small),
        Claim(f"{name}: repeated 20-grams, greedy", f"{name}.greedy", None, f"{name}.tau10",
              for_each(lambda n: n[f"{name}.greedy"] > 0.5), scales),
        Claim(f"{name}: the same, temperature 0.8", f"{name}.tau8", None, f"{name}.greedy",
              for_each(lambda n: n[f"{name}.tau8"] < 0.15), scales),
        *(Claim(f"{name}: the same, {words}", f"{name}.{rule}", None, f"{name}.greedy", scales=scales)
          for rule, words in (("tau5", "temperature 0.5"), ("top10", "top-k of 10"), ("nucleus9", "nucleus of 0.9"))),
    )  # fmt: skip


CARD = Card(
    "text-generation",
    "Generating Sequences With Recurrent Neural Networks",
    "https://arxiv.org/abs/1308.0850",
    "Text is cut into three parts that hang together; the best step is chosen on the second and scored on the third. "
    "The networks read windows of 80 characters (of 40 pieces) from their beginning, the n-grams (smoothed by 0.05) "
    "always have their context, which favours them. Draws have 8 texts of one prompt of four characters.",
    measure,
    (*_claims("descriptions"), *(_claims(LARGE) if on_the_shelf() else ())),
)
