"""Of the card `seqclr`: words of four digits, encoders trained on them without texts, and readers trained with few."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torch.optim import Adam
from torch.optim.lr_scheduler import CosineAnnealingLR

from likeness.core import Method, train
from likeness.data import Batch, batches, load, whole
from likeness.data.memory import InMemory
from likeness.data.view_colours import blur, contrast, noise
from likeness.data.view_geometry import affine
from likeness.data.views import Views, chain, two
from likeness.nn.frames import Bidirectional
from likeness.nn.line_encoder import LineEncoder
from likeness.papers._shelf import there
from likeness.represent.recogniser import Recogniser
from likeness.represent.seqclr import Mapping, SeqCLR, each_frame, whole_line, window
from likeness.represent.transcripts import Reading, reading

MNIST, DIGITS = "mnist", "digits"
HEIGHT, WIDTH, IN_A_WORD = 16, 64, 4
MAPPINGS: dict[str, Mapping] = {"all": whole_line, "window": window(5), "frame": each_frame}


class Words(NamedTuple):
    """Images without texts to learn from, few with texts, and new ones."""

    unlabelled: Tensor
    labelled: Batch
    test: Batch


def has_mnist() -> bool:
    return there(MNIST)


def words(unlabelled: int, labelled: int, test: int, seed: int) -> Words:
    """Of MNIST where it is at hand, else of the small digits; those of the test words are of the test part."""
    data = load(MNIST if has_mnist() else DIGITS, seed=seed)
    known, held = whole(data.train, 20_000), whole(data.test)
    generator = torch.Generator().manual_seed(seed)
    return Words(made(known, unlabelled, generator).x, made(known, labelled, generator), made(held, test, generator))


def made(digits: Batch, n: int, generator: torch.Generator) -> Batch:
    """Words of four digits, dark on white, at places of their own: gaps differ, and digits may touch."""
    assert digits.y is not None
    pick = torch.randint(len(digits.x), (n, IN_A_WORD), generator=generator)
    signs = interpolate(digits.x[pick.flatten()], (HEIGHT, HEIGHT), mode="bilinear", antialias=True)
    signs = -signs.unflatten(0, pick.shape)[:, :, 0]
    room = WIDTH - IN_A_WORD * 13 - 3  # pixels that gaps share; a digit takes 13, and its frame 16
    edges = torch.rand(n, IN_A_WORD, generator=generator).sort(1).values.mul(room).long()
    left = edges + 13 * torch.arange(IN_A_WORD)
    x = torch.ones(n, HEIGHT, WIDTH)
    for k in range(IN_A_WORD):
        columns = (left[:, k, None] + torch.arange(HEIGHT))[:, None].expand(-1, HEIGHT, -1)
        x.scatter_(2, columns, torch.minimum(x.gather(2, columns), signs[:, k]))
    return Batch(x[:, None], digits.y[pick])


def looks() -> Views:
    """Two views of words that keep their places: height, slant, blur, contrast, noise."""
    moved = affine(scale=(0.8, 1.15), shear=8, shift=(0.0, 0.1), upright=True)
    return two(chain(moved, blur(0.3, 1.0, p=0.5), contrast(0.5, 1.0), noise(0.1), beyond=1.0))


def encoder(height: int = HEIGHT, d: int = 64, width: int = 16) -> LineEncoder:
    return LineEncoder(height=height, width=width, d=d)


def pretrained(
    x: Tensor, mapping: Mapping, *, epochs: int, seed: int, views: Callable[[], Views] = looks, **size: int
) -> LineEncoder:
    """An encoder that saw no text."""
    torch.manual_seed(seed)
    f = encoder(**size)
    method = SeqCLR(f, Bidirectional(f.d, 64, width=64), views(), instances=mapping)
    fitted(method, InMemory(x), steps=epochs * (len(x) // 64), size=64, lr=1e-3, seed=seed)
    return f


def reader(f: LineEncoder, batch: Batch, *, signs: int, frozen: bool, steps: int, seed: int) -> Recogniser:
    """Trained on these texts, through a linear decoder."""
    torch.manual_seed(seed)
    method = Recogniser(f, nn.Linear(f.d, signs + 1), frozen=frozen)
    size = min(32, len(batch.x))
    lr = 1e-2 if frozen else 1e-3
    fitted(method, InMemory(batch.x, batch.y), steps=steps, size=size, lr=lr, seed=seed)
    return method


def fitted(method: Method, split: InMemory, *, steps: int, size: int, lr: float, seed: int) -> None:
    """By Adam, with a rate that falls to zero by a cosine."""
    move = Adam(method.parameters(), lr)
    cool = CosineAnnealingLR(move, max(1, steps))
    for _ in train(method, batches(split, size, seed=seed, steps=steps), move):
        cool.step()
    method.eval()


def read(method: Recogniser, test: Batch) -> Reading:
    found = torch.cat([method.read(part) for part in test.x.split(256)])
    assert test.y is not None
    return reading(found, test.y)


def compared(
    data: Words,
    mappings: dict[str, Mapping],
    *,
    epochs: int,
    frozen_steps: int,
    few: int,
    few_steps: int,
    seed: int,
) -> dict[str, float]:
    """Word accuracy (%) and character error rate (%) of each way to begin: frozen with all texts, tuned with few."""
    found: dict[str, float] = {}
    states = {"none": new_state(seed)} | {
        name: pretrained(data.unlabelled, mapping, epochs=epochs, seed=seed).state_dict()
        for name, mapping in mappings.items()
    }
    x, y = data.labelled.x, data.labelled.y
    assert y is not None
    ways = {"frozen": (data.labelled, frozen_steps), "tuned": (Batch(x[:few], y[:few]), few_steps)}
    for name, state in states.items():
        for way, (batch, steps) in ways.items():
            f = encoder()
            f.load_state_dict(state)
            told = read(reader(f, batch, signs=10, frozen=way == "frozen", steps=steps, seed=seed), data.test)
            found |= {f"{name}.{way}.words": 100 * told.words, f"{name}.{way}.cer": 100 * told.cer}
    return found


def new_state(seed: int) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    return encoder().state_dict()
