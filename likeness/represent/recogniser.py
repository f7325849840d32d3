"""A reader of text lines: frames to characters, with no need to be told which frame is of which character.

    p(y|x) = Σ_{π: B(π) = y} Π_t p(π_t|x),   B merges what repeats, then drops blanks               (1)
    minimised   −log p(y|x)                                                                         (2)
    read        B(π), of each frame its likeliest sign                                              (3)

A path π names a character or the blank at each frame of the line itself; frames of the paper behind its end count for
nothing and are read as blanks. A text needs as many frames as it has characters, and one more for each that repeats the
one before. The decoder is linear, so that what frozen frames tell is what is measured, or stands behind a BiLSTM; the
encoder, as `SeqCLR` trained it or new, is held or trained with it.

Alex Graves, Santiago Fernández, Faustino Gomez, Jürgen Schmidhuber. Connectionist Temporal Classification: Labelling
Unsegmented Sequence Data with Recurrent Neural Networks. 2006. https://doi.org/10.1145/1143844.1143891
"""

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import ctc_loss

from likeness.core import Method, Update
from likeness.data.batch import Batch
from likeness.data.lines import PAD, extents
from likeness.errors import InputError
from likeness.nn.modes import evaluating
from likeness.represent.transcripts import edits, lengths


def ctc(
    logits: Float[Tensor, "n T signs"], y: Int[Tensor, "n length"], own: Int[Tensor, " n"] | None = None
) -> Float[Tensor, " n"]:
    """Nats of each text; the blank is the last sign. Characters that no logit stands for are left out of a text.

    Args:
        own: how many of its first frames are those of each line, all if not given; a text that needs more gets them.

    Raises:
        InputError: a text needs more frames than there are, or an id is beyond the signs.
    """
    T, blank = logits.shape[1], logits.shape[2] - 1
    if int(y.max()) >= blank:
        raise InputError(
            f"a text has the character {int(y.max())}, the decoder knows 0 to {blank - 1}: build it larger"
        )
    y = _compact(y)
    least = needed(y)
    if (lacking := least > T).any():
        i = int(lacking.nonzero()[0])
        raise InputError(
            f"text {i} of the batch has {int(lengths(y)[i])} characters and needs {int(least[i])} frames, "
            f"its image gives {T}: leave it out, or make images higher or wider"
        )
    signs = logits.float().log_softmax(2).transpose(0, 1)
    each = torch.full_like(least, T) if own is None else own.maximum(least)
    return ctc_loss(signs, y.clamp(min=0), each, lengths(y), blank=blank, reduction="none")  # (1), (2)


def needed(y: Int[Tensor, "n length"]) -> Int[Tensor, " n"]:
    """The frames that a text takes at least."""
    return lengths(y) + ((y[:, 1:] == y[:, :-1]) & (y[:, 1:] >= 0)).sum(1)


def greedy(logits: Float[Tensor, "n T signs"]) -> Int[Tensor, "n T"]:
    """The ids of what is read, `PAD` behind the end."""
    path, blank = logits.argmax(2), logits.shape[2] - 1
    new = torch.ones_like(path, dtype=torch.bool)
    new[:, 1:] = path[:, 1:] != path[:, :-1]
    return _compact(torch.where(new & (path != blank), path, PAD))  # (3)


def _compact(y: Int[Tensor, "n length"]) -> Int[Tensor, "n length"]:
    """The characters of each row moved to its front, in their order, `PAD` behind them."""
    order = (y < 0).long().argsort(dim=1, stable=True)
    return y.where(y >= 0, PAD).gather(1, order)


class Recogniser(Method):
    """Encoder `f` of lines (as `SeqCLR` takes it) and decoder `D` of frames (n, T, d) to signs (n, T, characters + 1).

    Args:
        frozen: f stays as it is, in evaluation mode; D alone is trained.
    """

    f: Any  # a module that has `frames` and `mask` too

    def __init__(self, f: nn.Module, D: nn.Module, *, frozen: bool = False) -> None:
        super().__init__()
        self.f, self.D, self.frozen = f, D, frozen

    def updates(self, batch: Batch) -> Iterator[Update]:
        """Raises InputError where the batch has no texts."""
        if batch.y is None or batch.y.ndim != 2:
            raise InputError("a recogniser learns from transcriptions and these lines have none: give their texts")
        y, own = batch.y, self._mask(batch.x).sum(1)
        if self.frozen:
            frames = self.frames(batch.x)
            yield self.D, lambda: {"ctc": ctc(self.D(frames), y, own).mean()}
        else:
            yield self, lambda: {"ctc": ctc(self.D(self.f(batch.x, extents(batch.x))), y, own).mean()}

    @torch.no_grad()
    def frames(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n T d"]:
        """f(x) in evaluation mode; zero beyond the end of a line."""
        with evaluating(self.f):
            return self.f(x, extents(x))

    @torch.no_grad()
    def logits(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n T signs"]:
        """In evaluation mode; beyond the end of a line the blank is certain."""
        with evaluating(self.D):
            found = self.D(self.frames(x))
        blank = torch.full_like(found[0, 0], -torch.inf)
        blank[-1] = 0
        return torch.where(self._mask(x)[:, :, None], found, blank)

    def read(self, x: Float[Tensor, "n c h w"]) -> Int[Tensor, "n T"]:
        """The ids of the characters of each line, `PAD` behind the end."""
        return greedy(self.logits(x))

    @torch.no_grad()
    def encode(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        """The mean of the frames of each line."""
        return self.frames(x).sum(1) / self._mask(x).sum(1, keepdim=True).clamp(min=1)

    def _mask(self, x: Float[Tensor, "n c h w"]) -> Bool[Tensor, "n T"]:
        """Which frames are of the lines themselves."""
        return self.f.mask(extents(x), x.shape[3])

    def error(self, x: Float[Tensor, "n c h w"], y: Int[Tensor, "n length"]) -> Float[Tensor, " n"]:
        """Edits for each character of the true text, of each line; of an empty text, all that is read."""
        return edits(self.read(x), y) / lengths(y).clamp(min=1)
