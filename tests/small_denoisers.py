"""Networks of diffusion small enough for tests: F(x, t, y)."""

import torch
from torch import Tensor, nn


class Small(nn.Module):
    """Two layers for vectors or images, told the level and, with `classes`, the class; `outputs` times the channels."""

    def __init__(self, event: tuple[int, ...], *, classes: int = 0, outputs: int = 1, width: int = 16) -> None:
        super().__init__()
        d = torch.Size(event).numel()
        self.shape = (outputs * event[0], *event[1:])
        self.first = nn.Linear(d + 1, width)
        self.last = nn.Linear(width, outputs * d)
        self.y = nn.Embedding(classes, width) if classes else None

    def forward(self, x: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        h = self.first(torch.cat((x.flatten(1), t[:, None] / 1000), 1))
        if self.y is not None:
            h = h + self.y(y)
        return self.last(h.tanh()).reshape(-1, *self.shape)
