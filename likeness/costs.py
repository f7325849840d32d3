"""What a reconstruction costs: a number a sample, and what the outputs of a decoder stand for.

    squared error   ‖x − x̂‖², summed over dimensions                                                (1)
    nats            −log p(x|z), of any likelihood whose parameters are the decoder's outputs       (2)

Pascal Vincent et al. Stacked Denoising Autoencoders, section 2.2. 2010. https://www.jmlr.org/papers/v11/vincent10a.html
"""

from typing import Any, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor, nn

from likeness.sampling import Streams


@runtime_checkable
class Cost(Protocol):
    """What is minimised for a sample and a decoder's outputs; learned parameters of its own move with the networks."""

    def check(self, x: Tensor) -> None:
        """Raises InputError for samples that it is not for."""

    def __call__(self, x: Tensor, outputs: Tensor) -> Tensor:
        """(n,)"""

    def mean(self, outputs: Tensor) -> Tensor:
        """The reconstruction (n, *event), differentiable."""

    def sample(self, outputs: Tensor, streams: Streams) -> Tensor:
        """A draw given the outputs (n, *event); the reconstruction itself where the cost knows no noise."""


class SquaredError(nn.Module):
    """The outputs are the reconstruction."""

    def check(self, x: Float[Tensor, " n *event"]) -> None:
        """Any number will do."""

    def forward(self, x: Float[Tensor, " n *event"], outputs: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
        return (x - outputs).square().flatten(1).sum(1)  # (1)

    def mean(self, outputs: Float[Tensor, " n *event"]) -> Float[Tensor, " n *event"]:
        return outputs

    def sample(self, outputs: Float[Tensor, " n *event"], streams: Streams) -> Float[Tensor, " n *event"]:
        return outputs


class Nats(nn.Module):
    """A likelihood (`likeness.density`) as a cost: with `Mixed`, each column of a table counts in its own kind."""

    def __init__(self, likelihood: Any) -> None:
        super().__init__()
        self.likelihood = likelihood

    def check(self, x: Float[Tensor, " n *event"]) -> None:
        self.likelihood.check(x)

    def forward(self, x: Float[Tensor, " n *event"], outputs: Float[Tensor, " n *outs"]) -> Float[Tensor, " n"]:
        return -self.likelihood.log_prob(x, outputs)  # (2)

    def mean(self, outputs: Float[Tensor, " n *outs"]) -> Float[Tensor, " n *event"]:
        return self.likelihood.mean(outputs)

    def sample(self, outputs: Float[Tensor, " n *outs"], streams: Streams) -> Float[Tensor, " n *event"]:
        return self.likelihood.sample(outputs, streams)
