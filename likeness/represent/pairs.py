"""All pairs of a batch in log-space, over all processes, in memory that grows with the batch and not with its square.

    ℓ_i = log Σ_{j ≠ own(i)} exp(a_i · c_j)                                                         (1)
    ∂ℓ_i/∂a_i = Σ_j p_ij c_j,   ∂ℓ_i/∂c_j = p_ij a_i,   p_ij = exp(a_i · c_j − ℓ_i)                  (2)

Contrast, uniformity and softmax over prototypes are values of ℓ. With `block` rows at a time, only a block of the
products a_i · c_j is ever there: going back makes them again from ℓ, which is all that was kept (2), and derivatives of
any order are those of the full form.

Luyu Gao, Yunyi Zhang, Jiawei Han, Jamie Callan. Scaling Deep Contrastive Learning Batch Size under Memory Limited
Setup. 2021. https://arxiv.org/abs/2101.06983
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from likeness import ranks
from likeness.errors import InputError


def everyone(z: Float[Tensor, "n ..."]) -> Float[Tensor, "m ..."]:
    """The rows of all processes in the order of the batch, also where each sample has several; gradients reach all.

    Raises:
        InputError: the batch is cut into pieces of an accumulated gradient.
    """
    if not ranks.divided():
        return z
    return ranks.gather(z.unflatten(0, (_samples(z), -1))).flatten(0, 1)


def places(z: Float[Tensor, "n ..."]) -> Int[Tensor, " n"]:
    """Which of the rows of `everyone(z)` those of `z` are."""
    part, n = ranks.held(), len(z)
    first = 0 if part is None else part.start * (n // _samples(z))
    return torch.arange(first, first + n, device=z.device)


def _samples(z: Tensor) -> int:
    part = ranks.held()
    n = len(z) if part is None else part.n
    if len(z) % max(n, 1):
        raise InputError(f"{len(z)} rows for the {n} samples of this process: give as many for each sample")
    return n


def log_sum_exp(
    a: Float[Tensor, "n d"],
    c: Float[Tensor, "m d"],
    *,
    own: Int[Tensor, " n"] | None = None,
    block: int | None = None,
) -> Float[Tensor, " n"]:
    """ℓ of each row of `a` over the rows of `c`; `own` names a row of `c` that is left out, the row itself.

    Args:
        block: rows of `a` at a time; all at once if not given, which needs n·m numbers.

    Raises:
        InputError: a block of less than one row.
    """
    if block is None:
        return _products(a, c, own).logsumexp(1)  # (1)
    if block < 1:
        raise InputError(f"a block of {block} rows: give one or more, such as 256")
    found: Tensor = _Blocked.apply(a, c, own, block)
    return found


def _products(a: Tensor, c: Tensor, own: Tensor | None) -> Tensor:
    s = a @ c.T
    return s if own is None else s.scatter_(1, own[:, None], -torch.inf)


def _parts(n: int, block: int) -> Iterator[slice]:
    return (slice(start, start + block) for start in range(0, n, block))


class _Blocked(torch.autograd.Function):
    """Blocks of products are made in one place, one after the other: allocators do not always use a hole again."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, c: Tensor, own: Tensor | None, block: int) -> Tensor:
        values, room = a.new_empty(len(a)), a.new_empty(min(block, len(a)), len(c))
        for part in _parts(len(a), block):
            s = _products_in(room, a[part], c, None if own is None else own[part])
            most = s.amax(1).clamp_(min=torch.finfo(s.dtype).min)  # where there are no others, ℓ is −∞
            values[part] = s.sub_(most[:, None]).exp_().sum(1).log_().add_(most)
        ctx.save_for_backward(a, c, own, values)
        ctx.block = block
        return values

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        slopes = _slopes_with_graph if torch.is_grad_enabled() else _slopes
        return *slopes(ctx.saved_tensors, g, ctx.block), None, None


def _products_in(room: Tensor, a: Tensor, c: Tensor, own: Tensor | None) -> Tensor:
    s = torch.mm(a, c.T, out=room[: len(a)])
    return s if own is None else s.scatter_(1, own[:, None], -torch.inf)


def _slopes(saved: Sequence[Any], g: Tensor, block: int) -> tuple[Tensor, Tensor]:
    a, c, own, values = saved
    to_a, to_c, room = torch.empty_like(a), torch.zeros_like(c), a.new_empty(min(block, len(a)), len(c))
    for part in _parts(len(a), block):
        s = _products_in(room, a[part], c, None if own is None else own[part])
        p = s.sub_(values[part, None]).exp_()  # (2)
        torch.mm(p, c, out=to_a[part]).mul_(g[part, None])
        to_c.addmm_(p.T, a[part] * g[part, None])
    return to_a, to_c


def _slopes_with_graph(saved: Sequence[Any], g: Tensor, block: int) -> tuple[Tensor, Tensor]:
    """The same, to be differentiated again: every block stays."""
    a, c, own, values = saved
    to_a, to_c = [], torch.zeros_like(c)
    for part in _parts(len(a), block):
        s = _products(a[part], c, None if own is None else own[part])
        p = (s - values[part, None]).exp() * g[part, None]  # (2)
        to_a.append(p @ c)
        to_c = to_c + p.T @ a[part]
    return torch.cat(to_a), to_c
