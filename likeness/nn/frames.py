"""What stands on the frames of a sequence: a network for each of them alone, or one that lets them tell each other.

    PerFrame        y_t = g(h_t)                                                                    (1)
    Bidirectional   y_t = W [→h_t ; ←h_t] + b,   →h, ←h an LSTM's states forwards and backwards     (2)

Alex Graves, Jürgen Schmidhuber. Framewise phoneme classification with bidirectional LSTM and other neural network
architectures. 2005. https://doi.org/10.1016/j.neunet.2005.06.042
"""

from jaxtyping import Float
from torch import Tensor, nn


class PerFrame(nn.Module):
    """A network of vectors, for every frame of a sequence."""

    def __init__(self, g: nn.Module) -> None:
        super().__init__()
        self.g = g

    def forward(self, h: Float[Tensor, "n t d"]) -> Float[Tensor, "n t e"]:
        return self.g(h.flatten(0, 1)).unflatten(0, h.shape[:2])  # (1)


class Bidirectional(nn.Module):
    """Frames of `d` numbers to frames of `out`, each of which knows of all of them.

    Args:
        width: units of a direction.
        layers: of the LSTM.
    """

    def __init__(self, d: int, out: int, *, width: int = 128, layers: int = 1) -> None:
        super().__init__()
        self.lstm = nn.LSTM(d, width, layers, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * width, out)

    def forward(self, h: Float[Tensor, "n t d"]) -> Float[Tensor, "n t e"]:
        return self.head(self.lstm(h)[0])  # (2)
