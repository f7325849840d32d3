"""The objective that only lowers the energy of data, and so says nothing: kept to be shown failing.

    min  E_data[E(x)]                                                                                 (1)

is what is left of −log p = E + log Z where Z is forgotten. It has no minimum: a constant falls for ever, everywhere at
once, and the normalised density, which no constant changes, need not get better at all.

Yann LeCun, Sumit Chopra, Raia Hadsell, Marc'Aurelio Ranzato, Fu Jie Huang. A Tutorial on Energy-Based Learning. 2006.
http://yann.lecun.com/exdb/publis/pdf/lecun-06.pdf
"""

from collections.abc import Iterator

from jaxtyping import Float
from torch import Tensor, nn

from likeness.core import Method, Update
from likeness.data.batch import Batch
from likeness.energy.energies import valued


class Naive(Method):
    """The energy `E` (x → (n,)), pressed down where data are."""

    log_prob_kind = "unnormalised"

    def __init__(self, E: nn.Module) -> None:
        super().__init__()
        self.E = E

    def updates(self, batch: Batch) -> Iterator[Update]:
        yield self.E, lambda: {"energy": valued(self.E, batch.x).mean()}  # (1)

    def log_prob(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
        """Nats up to a constant."""
        return -valued(self.E, x)
