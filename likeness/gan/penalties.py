"""What keeps a critic smooth: penalties on its slope, one value a sample, and the clipping of its weights.

With g(x) = ‖∇_x D(x)‖₂, the norm taken for each sample:

    r1                  ½ g(x)²          at real samples                                            (1)
    r2                  ½ g(x)²          at generated samples                                       (2)
    gradient_penalty    (g(x̂) − 1)²      at x̂ = u x + (1 − u) G(z), u uniform on [0, 1]             (3)
    clip_weights        w ← max(−c, min(c, w)), after each move of the critic                       (4)
    lazy                a penalty every k-th move, k times as strong                                (5)

The weight of r1 and r2 is the papers' γ: E[γ/2 ‖∇D‖²].

(1, 2) Lars Mescheder, Andreas Geiger, Sebastian Nowozin. Which Training Methods for GANs do actually Converge?
    2018. https://arxiv.org/abs/1801.04406
(3) Ishaan Gulrajani et al. Improved Training of Wasserstein GANs. 2017. https://arxiv.org/abs/1704.00028
(4) Martin Arjovsky, Soumith Chintala, Léon Bottou. Wasserstein GAN. 2017. https://arxiv.org/abs/1701.07875
(5) Tero Karras et al. Analyzing and Improving the Image Quality of StyleGAN. 2020. https://arxiv.org/abs/1912.04958
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from likeness.errors import InputError
from likeness.ranks import per_sample

Logit = Callable[[Tensor], Tensor]  # samples (n, *event) to logits (n,)
PenaltyFunction = Callable[[Logit, Tensor, Tensor], Tensor]  # (D, real, fake) to values (n,)


def slope(D: Logit, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n d"]:
    """∇_x D(x), flattened, one row a sample; can be differentiated further."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        (g,) = torch.autograd.grad(D(x).sum(), x, create_graph=True)
    return g.flatten(1)


def r1(D: Logit, real: Float[Tensor, " n *event"], fake: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
    return 0.5 * slope(D, real).square().sum(1)  # (1)


def r2(D: Logit, real: Float[Tensor, " n *event"], fake: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
    return 0.5 * slope(D, fake).square().sum(1)  # (2)


def gradient_penalty(
    D: Logit, real: Float[Tensor, " n *event"], fake: Float[Tensor, " n *event"]
) -> Float[Tensor, " n"]:
    ones = [1] * (real.ndim - 1)
    u = per_sample(len(real), lambda n: torch.rand(n, *ones, dtype=real.dtype, device=real.device))
    x_hat = torch.lerp(fake, real, u)
    return (slope(D, x_hat).norm(dim=1) - 1).square()  # (3)


def clip_weights(D: nn.Module, c: float) -> None:
    """In place; for the body of `updates`, after the critic's move."""
    torch._foreach_clamp_min_(list(D.parameters()), -c)
    torch._foreach_clamp_max_(list(D.parameters()), c)  # (4)


@dataclass(frozen=True)
class Penalty:
    """A penalty as a term of the critic's loss: its weight, and how often it is applied.

    Raises:
        InputError: the weight is negative, or `every` is below one.
    """

    function: PenaltyFunction
    weight: float = 1.0
    every: int = 1

    def __post_init__(self) -> None:
        if self.weight < 0 or self.every < 1:
            raise InputError(f"penalty weight {self.weight}, every {self.every}: give a weight ≥ 0 and every ≥ 1")

    @property
    def name(self) -> str:
        return self.function.__name__

    def due(self, iteration: int) -> bool:
        return iteration % self.every == 0

    def __call__(self, D: Logit, real: Tensor, fake: Tensor) -> Float[Tensor, " n"]:
        return self.weight * self.every * self.function(D, real, fake)  # (5)


def penalties(given: PenaltyFunction | Penalty | list[Penalty] | None) -> tuple[Penalty, ...]:
    """One penalty, several or none, in one form; a bare function has the weight one."""
    if given is None:
        return ()
    if isinstance(given, list):
        return tuple(given)
    return (given if isinstance(given, Penalty) else Penalty(given),)
