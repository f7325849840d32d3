"""An encoder of lines of text: images (n, c, h, w) to frames (n, T, d), one for every four columns, in reading order.

    V = the columns of a convolutional trunk, which halves the height until one row is left         (1)
    C = BiLSTM(V), of as many numbers a frame;   frames = V, C, or both one after the other         (2)

The trunk halves the width but twice, so T = ⌊⌊w/2⌋/2⌋ and a shift by four pixels is one by a frame. Lines of unlike
widths are padded on the right; told their own widths, the network sees nothing of the padding: the frames of a line
are then those that it has alone (in evaluation mode; in training the batch statistics count the padding), and zero
beyond them.

Baoguang Shi, Xiang Bai, Cong Yao. An End-to-End Trainable Neural Network for Image-based Sequence Recognition and Its
Application to Scene Text Recognition. 2015. https://arxiv.org/abs/1507.05717
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import max_pool2d
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from likeness.errors import InputError
from likeness.nn.blocks import channels_last, convolved

Widths = Int[Tensor, " n"] | None


class LineEncoder(nn.Module):
    """Frames of lines of one height; as an attribute `d`, the numbers of a frame.

    Args:
        channels: of an image.
        height: of an image, a power of two from 8 on.
        width: channels of the first stage; every stage doubles them, up to eightfold. CRNN has 64.
        d: numbers of a frame of the trunk, and of one of the context.
        depth: convolutions of a stage from the third on. CRNN has 2.
        context: layers of the BiLSTM that tells every frame of the others; 0 for none.
        both: frames of the trunk and of the context one after the other, so that the attribute `d` is twice as large.

    Raises:
        InputError: the height is no power of two, or d is odd where there is context.
    """

    def __init__(
        self,
        channels: int = 1,
        *,
        height: int = 32,
        width: int = 32,
        d: int = 128,
        depth: int = 1,
        context: int = 0,
        both: bool = False,
    ) -> None:
        super().__init__()
        if height < 8 or height & (height - 1):
            raise InputError(f"lines {height} pixels high: give a power of two from 8 on, such as 16 or 32")
        if context and d % 2:
            raise InputError(f"frames of {d} numbers from two directions: give an even number")
        self.channels, self.height, self.d = channels, height, d * 2 if context and both else d
        self.stages, a = nn.ModuleList(), channels
        for i in range(height.bit_length() - 2):  # two rows are left
            b = width * min(2**i, 8)
            more = [layer for _ in range(depth - 1 if i > 1 else 0) for layer in convolved(b, b)]
            self.stages.append(nn.Sequential(*convolved(a, b), *more))
            a = b
        self.last = nn.Conv2d(a, d, (2, 1))
        self.context = nn.LSTM(d, d // 2, context, bidirectional=True, batch_first=True) if context else None
        self.both = both
        channels_last(self.stages)

    def frames(self, w: int) -> int:
        """T, for an image that is `w` pixels wide."""
        return w // 4

    def mask(self, widths: Int[Tensor, " n"], w: int) -> Bool[Tensor, "n t"]:
        """Which frames of lines padded to `w` pixels are of the lines themselves."""
        return torch.arange(self.frames(w), device=widths.device) < (widths // 4)[:, None]

    def forward(self, x: Float[Tensor, "n c h w"], widths: Widths = None) -> Float[Tensor, "n t d"]:
        """The frames of lines, whose own widths before they were padded are `widths`.

        Raises:
            InputError: the images have another height or other channels, or a line is narrower than a frame or wider
                than the image.
        """
        self._check(x, widths)
        v = self.columns(x, widths)
        if self.context is None:
            return v
        c = self._contextual(v, widths)
        return torch.cat((v, c), 2) if self.both else c  # (2)

    def columns(self, x: Float[Tensor, "n c h w"], widths: Widths = None) -> Float[Tensor, "n t d_v"]:
        """V: what the trunk makes of every four columns and those around them."""
        h, own = _cleared(x, widths), widths
        for i, stage in enumerate(self.stages):
            h = max_pool2d(_cleared(stage(h), own), (2, 2 if i < 2 else 1))
            own = own // 2 if own is not None and i < 2 else own
            h = _cleared(h, own)
        return _cleared(self.last(h), own).squeeze(2).transpose(1, 2)  # (1)

    def _contextual(self, v: Float[Tensor, "n t d"], widths: Widths) -> Float[Tensor, "n t d"]:
        assert self.context is not None
        if widths is None:
            return self.context(v)[0]
        packed = pack_padded_sequence(v, (widths // 4).cpu(), batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.context(packed)[0], batch_first=True, total_length=v.shape[1])[0]

    def _check(self, x: Tensor, widths: Widths) -> None:
        c, h, w = x.shape[1:]
        if (c, h) != (self.channels, self.height):
            raise InputError(
                f"lines of {c} channels and {h} rows, this encoder reads {self.channels} and {self.height}: "
                f"resize them, or build it with channels={c}, height={h}"
            )
        narrow, wide = (w, w) if widths is None else (int(widths.min()), int(widths.max()))
        if narrow < 4:
            raise InputError(f"a line {narrow} pixels wide has no frame: 4 are needed")
        if wide > w:
            raise InputError(f"a line said to be {wide} pixels wide in an image of {w}: give its width before padding")


def _cleared(h: Float[Tensor, "n c h w"], widths: Widths) -> Float[Tensor, "n c h w"]:
    """Zero beyond the widths, as a convolution finds it beyond the border of an image."""
    if widths is None:
        return h
    return h * (torch.arange(h.shape[3], device=h.device) < widths[:, None]).to(h.dtype)[:, None, None]
