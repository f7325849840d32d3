"""An energy network as a score network, and how far a score network is from having an energy.

    s(x) = −∇E(x)   ⟹   ∂s_i/∂x_j = ∂s_j/∂x_i                                                       (1)
    curl = ‖∇s − ∇sᵀ‖ / ‖∇s‖                                 0 where there is an energy             (2)

A network that gives the score itself need not be the gradient of anything; one that gives an energy is, for about
twice the work, as each score is a back-propagation of its own.

Tim Salimans, Jonathan Ho. Should EBMs model the energy or the score? 2021. https://openreview.net/forum?id=9AS-TF2jRNb
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from likeness.energy.energies import valued
from likeness.energy.score_matching import Score, jacobian


class Conservative(nn.Module):
    """The score of an energy, which is any module (n, *event) → (n,); what else it is given goes on to the energy.

    Raises:
        InputError: in use, the energy gives something else than one number a sample.
    """

    def __init__(self, energy: nn.Module) -> None:
        super().__init__()
        self.energy = energy

    def forward(self, x: Float[Tensor, " n *event"], *condition: Tensor) -> Float[Tensor, " n *event"]:
        again = torch.is_grad_enabled()
        with torch.enable_grad():
            x = x if x.requires_grad else x.detach().requires_grad_()
            E = valued(lambda x: self.energy(x, *condition), x)
            (slope,) = torch.autograd.grad(E.sum(), x, create_graph=again)
        return -slope  # (1)


def curl(s: Score, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
    """How far each Jacobian is from being symmetric: 0 for the score of an energy, 2 for a rotation."""
    with torch.no_grad():
        _, J = jacobian(s, x)
    return (J - J.mT).flatten(1).norm(dim=1) / J.flatten(1).norm(dim=1)  # (2)
