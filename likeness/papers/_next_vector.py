"""The other way to predict a token, of the card `text-generation`: by its vector, to which the nearest token is taken.

    min E ‖f(x_<t) − e(x_t)‖²,   x̂_t = argmax_v cos(f(x_<t), e(v))                    (1)

The vectors e are those that a model with a softmax has learned, brought to length one. A mean of several likely
vectors may be near none of them, which is what speaks against it.

Sachin Kumar, Yulia Tsvetkov. Von Mises-Fisher Loss for Training Sequence to Sequence Models with Continuous Outputs.
2019. https://arxiv.org/abs/1812.04616
"""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.optim import Adam

from likeness.core import Method, Update, train
from likeness.data import Dataset, batches
from likeness.data.batch import Batch
from likeness.language import LanguageModel
from likeness.nn.lstm import LSTM
from likeness.nn.modes import evaluating


class NextVector(Method):
    """A recurrent network whose outputs are vectors, of the tokens of a table (v, d)."""

    table: Tensor

    def __init__(self, table: Float[Tensor, "v d"], width: int) -> None:
        super().__init__()
        self.network = LSTM(len(table), width=width)
        self.network.head = nn.Linear(width, table.shape[1])
        self.register_buffer("table", normalize(table.detach().clone(), dim=1))

    def updates(self, batch: Batch) -> Iterator[Update]:
        x = batch.x.long()
        yield self, lambda: {"error": (self._vectors(x) - self.table[x]).square().sum(2).mean()}  # (1)

    def predicted(self, x: Int[Tensor, "n t"]) -> Int[Tensor, "n t"]:
        """The token whose vector is nearest by angle to what is predicted at each place."""
        with evaluating(self.network):
            return (self._vectors(x) @ self.table.T).argmax(2)  # (1)

    def _vectors(self, x: Tensor) -> Tensor:
        return self.network(after_beginning(x, len(self.table)))


def after_beginning(x: Int[Tensor, "n t"], vocabulary: int) -> Int[Tensor, "n t"]:
    """What each token of x is predicted from: the beginning, then all but the last."""
    return torch.cat((torch.full_like(x[:, :1], vocabulary), x[:, :-1]), 1)


def accuracies(
    model: LanguageModel, data: Dataset, test: Tensor, *, width: int, steps: int, seed: int
) -> dict[str, float]:
    """The share of test tokens that are the most probable one, and that are the one nearest to a predicted vector."""
    network = model.network
    torch.manual_seed(seed)
    other = NextVector(network.embedding.weight[: network.vocabulary], width)
    for _ in train(other, batches(data.train, 32, seed=seed, steps=steps), Adam(other.parameters(), 3e-3)):
        pass

    def likeliest(x: Tensor) -> Tensor:
        with evaluating(network):
            return network(after_beginning(x, network.vocabulary)).argmax(2)

    return {"softmax_right": _right(likeliest, test), "vector_right": _right(other.predicted, test)}


@torch.no_grad()
def _right(predicted: Callable[[Tensor], Tensor], x: Tensor) -> float:
    x = x.long()
    return float(torch.cat([(predicted(part) == part).float().flatten() for part in x.split(256)]).mean())
