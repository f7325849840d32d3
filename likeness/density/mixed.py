"""The likelihood of a table's rows, encoded as `likeness.data.columns` does: numbers, gaps and categories together.

A number is Gaussian with a learned σ of its column, in units of the column's standard deviation; a gap is a coin, and
the number of a gap is unobserved and counts nothing. A category is one of those of the training rows, so no other
can be drawn.

    log p(x|z) = Σ_numbers (1 − gap) log N(x; μ, σ²) + Σ_gaps log Bernoulli + Σ_categories log softmax       (1)

Alfredo Nazabal, Pablo M. Olmos, Zoubin Ghahramani, Isabel Valera. Handling Incomplete Heterogeneous Data using VAEs.
2018. https://arxiv.org/abs/1807.03653
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from likeness.data.columns import Category, Columns, Number
from likeness.density.likelihoods import categories, gaussian
from likeness.errors import InputError
from likeness.sampling import Streams


class Mixed(nn.Module):
    """Rows (n, d) of a table of these columns; one output a dimension: a mean, or a logit.

    Raises:
        InputError: a column of categories has a single value; the floor is not above zero.
    """

    outputs = 1

    def __init__(self, columns: Columns, *, floor: float = 0.01) -> None:
        super().__init__()
        if floor <= 0:
            raise InputError(f"floor {floor} of a learned σ: without one above zero the density has no bound; try 0.01")
        for column in columns.columns:
            if isinstance(column, Category) and column.width == 1:
                raise InputError(f"column {column.name!r} holds one value, {column.values[0]!r}: drop it")
        self.columns, self.floor = columns, floor
        self.raw = nn.Parameter(torch.zeros(len(self._numbers())))

    @property
    def sigma(self) -> Float[Tensor, " k"]:
        """Of every column of numbers, in their order, in standard deviations of the column."""
        return self.floor + softplus(self.raw)

    def check(self, x: Float[Tensor, "n d"]) -> None:
        """Raises InputError where rows have another width than the columns."""
        if x.shape[1] != self.columns.width:
            raise InputError(f"rows of width {x.shape[1]} for columns of width {self.columns.width}: encode this table")

    def log_prob(self, x: Float[Tensor, "n d"], outputs: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        total, sigmas = torch.zeros_like(outputs[:, 0]), iter(self.sigma)
        for column, a, b in zip(self.columns.columns, self._blocks(x), self._blocks(outputs)):
            if isinstance(column, Category):
                total = total + categories(a, b)
            else:
                total = total + _number(a, b, next(sigmas))
        return total  # (1)

    def mean(self, outputs: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """Expected entries: of categories and gaps the probabilities, of a number its mean if there is no gap."""
        blocks = []
        for column, b in zip(self.columns.columns, self._blocks(outputs)):
            if isinstance(column, Category):
                blocks.append(b.softmax(1))
            else:
                gap = b[:, 1:].sigmoid()
                blocks.append(torch.cat((b[:, :1], gap), dim=1))
        return torch.cat(blocks, dim=1)

    def sample(self, outputs: Float[Tensor, "n d"], streams: Streams) -> Float[Tensor, "n d"]:
        n, d = outputs.shape
        noise = self._blocks(streams.normal(n, d, device=outputs.device))
        u = self._blocks(streams.uniform(n, d, device=outputs.device))
        blocks, sigmas = [], iter(self.sigma)
        for column, b, e, v in zip(self.columns.columns, self._blocks(outputs), noise, u):
            if isinstance(column, Category):
                blocks.append(_one_hot(b, v))
            else:
                gap = (v[:, 1:] < b[:, 1:].sigmoid()).float()
                number = (b[:, :1] + next(sigmas) * e[:, :1]) * (1 - gap.sum(1, keepdim=True))
                blocks.append(torch.cat((number, gap), dim=1))
        return torch.cat(blocks, dim=1)

    def _numbers(self) -> list[Number]:
        return [column for column in self.columns.columns if isinstance(column, Number)]

    def _blocks(self, x: Tensor) -> tuple[Tensor, ...]:
        return x.split([column.width for column in self.columns.columns], dim=1)


def _number(x: Tensor, outputs: Tensor, sigma: Tensor) -> Tensor:
    """A number and, where its column has gaps, whether it is one."""
    value = gaussian(x[:, 0], outputs[:, 0], sigma)
    if x.shape[1] == 1:
        return value
    coin = binary_cross_entropy_with_logits(outputs[:, 1], x[:, 1], reduction="none")
    return (1 - x[:, 1]) * value - coin


def _one_hot(logits: Float[Tensor, "n k"], u: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
    """Draw by Gumbel's maximum: argmax of logits − log(−log u)."""
    place = (logits - (-u.log()).log()).argmax(1)
    return nn.functional.one_hot(place, logits.shape[1]).to(logits.dtype)
