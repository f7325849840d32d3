"""LARS: each layer moves by a share of its own norm, so that large batches allow large learning rates.

    λ_l = η ‖w_l‖ / (‖∇L(w_l)‖ + β ‖w_l‖)                                                            (1)
    v_l ← m v_l + γ λ_l (∇L(w_l) + β w_l)                                                            (2)
    w_l ← w_l − v_l                                                                                  (3)

β is the weight decay, γ the learning rate, m the momentum, η the trust. Where a norm is zero there is nothing to
compare, and λ_l is 1. Biases and what normalisations learn are usually left to plain descent without decay:
`LARS(layerwise(model), lr)`.

Yang You, Igor Gitman, Boris Ginsburg. Large Batch Training of Convolutional Networks. 2017.
https://arxiv.org/abs/1708.03888
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import ParamsT

from likeness.errors import InputError


class LARS(Optimizer):
    """Momentum descent with a rate for each tensor of parameters.

    Args:
        lr: γ; with λ it moves a layer by lr · trust of its norm.
        trust: η; a group with `trust=None` is not adapted (λ = 1).

    Raises:
        InputError: a number is below zero, or the momentum 1 or more.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float,
        *,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        trust: float | None = 1e-3,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "trust": trust})
        for group in self.param_groups:
            _check(group)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient; the closure is called first, with gradients."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for w in group["params"]:
                if w.grad is not None:
                    self._move(w, w.grad, group)
        return loss

    def _move(self, w: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        decay, trust, momentum = group["weight_decay"], group["trust"], group["momentum"]
        step = gradient.add(w, alpha=decay)
        if trust is not None:
            step *= ratio(w, gradient, trust=trust, weight_decay=decay)
        v = self.state[w].setdefault("v", torch.zeros_like(w))
        v.mul_(momentum).add_(step, alpha=group["lr"])  # (2)
        w.sub_(v)  # (3)


def ratio(w: Tensor, gradient: Tensor, *, trust: float, weight_decay: float = 0.0) -> Tensor:
    """λ, () on the device of w; 1 where one of the norms is zero."""
    size, slope = w.norm(), gradient.norm()
    found = trust * size / (slope + weight_decay * size)  # (1)
    return torch.where((size > 0) & (slope > 0), found, torch.ones_like(found))


def layerwise(model: nn.Module, *, weight_decay: float = 1e-6) -> list[dict[str, Any]]:
    """Two groups: matrices and kernels; and parameters of one dimension or none, neither adapted nor decayed."""
    moving = [p for p in model.parameters() if p.requires_grad]
    layers, others = [p for p in moving if p.ndim > 1], [p for p in moving if p.ndim <= 1]
    groups = [{"params": layers, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0, "trust": None}]
    return [group for group in groups if group["params"]]


def _check(group: dict[str, Any]) -> None:
    for name in ("lr", "weight_decay", "trust"):
        if group[name] is not None and group[name] < 0:
            raise InputError(f"{name} {group[name]:g}: give zero or more")
    if not 0 <= group["momentum"] < 1:
        raise InputError(f"momentum {group['momentum']:g}: give zero or more, below 1")
