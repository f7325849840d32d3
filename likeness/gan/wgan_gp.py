"""WGAN-GP: a Wasserstein critic whose slope is held near one by a penalty on each sample's gradient.

    L_D = E[D(G(z))] − E[D(x)] + λ E[(‖∇_x̂ D(x̂)‖₂ − 1)²]                                            (1)
    x̂ = u x + (1 − u) G(z),  u ~ U[0, 1], one for each sample                                       (2)
    L_G = −E[D(G(z))], after every n_critic moves of D                                              (3)

The paper's optimiser is Adam with α = 1e-4, β = (0, 0.9), for both. The critic must not mix the samples of a
batch (no batch normalisation, no minibatch statistics): the penalty is on the slope at each sample.

Ishaan Gulrajani, Faruk Ahmed, Martin Arjovsky, Vincent Dumoulin, Aaron Courville.
Improved Training of Wasserstein GANs. 2017. https://arxiv.org/abs/1704.00028
"""

from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from likeness.gan.game import GAN
from likeness.gan.losses import wasserstein
from likeness.gan.penalties import Penalty, gradient_penalty


def wgan_gp(
    G: nn.Module, D: nn.Module, *, d_z: int, lambda_: float = 10.0, n_critic: int = 5, labels: Tensor | None = None
) -> GAN:
    """The game of the paper, with its constants."""
    penalty = Penalty(gradient_penalty, weight=lambda_)  # (1), (2)
    return GAN(G, D, d_z=d_z, loss=wasserstein, penalty=penalty, n_critic=n_critic, labels=labels)  # (1), (3)


def optimisers(gan: GAN, *, alpha: float = 1e-4, beta: tuple[float, float] = (0.0, 0.9)) -> dict[nn.Module, Optimizer]:
    """The paper's optimisers, one for each player."""
    return {player: Adam(player.parameters(), lr=alpha, betas=beta) for player in (gan.D, gan.G)}
