"""Unrolled GAN: the generator faces the critic as it will be after K more moves, and differentiates through them.

    θ_D⁰ = θ_D,   θ_D^{k+1} = θ_D^k − η ∂L_D(θ_G, θ_D^k)/∂θ_D^k                                      (1)
    generator     min_{θ_G}  L_G(θ_G, θ_D^K(θ_G, θ_D))                                              (2)

The critic itself makes one ordinary move from θ_D. L_D is minimised here where the paper ascends V = −L_D.
K = 0 is the ordinary game.

Luke Metz, Ben Poole, David Pfau, Jascha Sohl-Dickstein. Unrolled Generative Adversarial Networks. 2017.
https://arxiv.org/abs/1611.02163
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from likeness.errors import InputError
from likeness.gan.game import Critic, Opponent


def unrolled(K: int = 5, *, eta: float) -> Opponent:
    """The opponent of `GAN(..., opponent=unrolled(5, eta=...))`: the critic after K steps of gradient descent.

    Memory and time grow with K: the generator's step runs the critic 2K + 1 times.

    Raises:
        InputError: K is negative or eta is not positive.
    """
    if K < 0 or eta <= 0:
        raise InputError(f"unrolled(K={K}, eta={eta}): look ahead 0 or more steps with a positive step size")

    def ahead(D: nn.Module, loss: Callable[[Critic], Tensor]) -> Critic:
        theta: dict[str, Tensor] = dict(D.named_parameters())
        for _ in range(K):
            slopes = torch.autograd.grad(loss(at(D, theta)), list(theta.values()), create_graph=True)
            theta = {name: p - eta * g for (name, p), g in zip(theta.items(), slopes, strict=True)}  # (1)
        return at(D, theta)  # (2)

    return ahead


def at(D: nn.Module, theta: dict[str, Tensor]) -> Critic:
    """The critic with the parameters `theta` in place of its own."""

    def critic(x: Tensor, **labels: Any) -> Tensor:
        return functional_call(D, theta, (x,), labels)

    return critic
