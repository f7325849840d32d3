"""AdaGrad for tables of which a step looks up a few rows: one rate a row, and only rows with a gradient are touched.

    G_i ← G_i + mean(g_i²),   row_i ← row_i − η g_i / √G_i                                         (1)

One number a row in the place of one for each entry: a table of vectors needs no second table, and a step costs what
the rows cost that were looked up.

Dheevatsa Mudigere et al. Software-Hardware Co-design for Fast and Scalable Training of Deep Learning Recommendation
Models. 2022. https://arxiv.org/abs/2104.05158
John Duchi, Elad Hazan, Yoram Singer. Adaptive Subgradient Methods for Online Learning and Stochastic Optimization.
2011. https://jmlr.org/papers/v12/duchi11a.html
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from likeness.errors import InputError


class RowAdagrad(Optimizer):
    """Of parameters (v, …), whose first dimension counts the rows.

    Raises:
        InputError: the rate is not above zero.
    """

    def __init__(self, params: Iterable[Any], lr: float = 0.1, *, eps: float = 1e-10) -> None:
        if not lr > 0:
            raise InputError(f"lr {lr:g}: give a rate above zero")
        super().__init__(params, {"lr": lr, "eps": eps})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self._move(p, p.grad, group["lr"], group["eps"])
        return loss

    def _move(self, p: Tensor, g: Tensor, lr: float, eps: float) -> None:
        state = self.state[p]
        if not state:
            state["sum"] = p.new_zeros(len(p) if p.ndim else 1)
        flat, table = g.reshape(len(state["sum"]), -1), p.view(len(state["sum"]), -1)
        square = torch.linalg.vector_norm(flat, dim=1).square_().div_(flat.shape[1])
        rows = square.nonzero()[:, 0]
        state["sum"] += square
        rate = lr / (state["sum"][rows].sqrt() + eps)
        table.index_add_(0, rows, flat[rows].mul_(-rate[:, None]))  # (1)
