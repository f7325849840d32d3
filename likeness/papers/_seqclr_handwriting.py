"""Of the card `seqclr`: real words in many hands, few of them with a text, where LIKENESS_DATA holds them."""

import torch
from torch import Tensor

from likeness.data import Batch, Split, load, whole
from likeness.data.line_views import lines
from likeness.data.lines import written
from likeness.data.views import two
from likeness.papers._seqclr import encoder, pretrained, read, reader
from likeness.papers._shelf import there
from likeness.represent.seqclr import window

NAME = "handwriting_lines"
WIDEST = 128  # pixels: 95 in 100 words are not wider
SIZE = {"height": 32, "d": 128, "width": 16}


def has_handwriting() -> bool:
    return there(NAME)


def narrow(split: Split) -> Batch:
    """The words that are not wider, on a canvas of that width."""
    batch = whole(split)
    widths = written(batch.x)
    keep = widths <= WIDEST
    return Batch(batch.x[keep, ..., :WIDEST], None if batch.y is None else batch.y[keep])


def handwriting(unlabelled: int, epochs: int, few: tuple[int, ...], steps: int, seed: int) -> dict[str, float]:
    """Character error rate (%) on words of other writers, learned from few, with and without words without texts."""
    data = load(NAME, label="words", seed=seed)
    assert data.vocabulary is not None
    train, test = narrow(data.train), narrow(data.test)
    taught = pretrained(
        train.x[:unlabelled], window(5), epochs=epochs, seed=seed, views=lambda: two(lines()), **SIZE
    ).state_dict()
    found: dict[str, float] = {}
    for n in few:
        part = Batch(*(t[:n] for t in train[:2] if isinstance(t, Tensor)))
        for name, state in (("new", None), ("taught", taught)):
            torch.manual_seed(seed)
            f = encoder(**SIZE)
            if state is not None:
                f.load_state_dict(state)
            told = read(reader(f, part, signs=len(data.vocabulary), frozen=False, steps=steps, seed=seed), test)
            found |= {f"hand{n}.{name}.cer": 100 * told.cer, f"hand{n}.{name}.words": 100 * told.words}
    return found
