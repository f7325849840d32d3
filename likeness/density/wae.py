"""The Wasserstein autoencoder: codes whose distribution as a whole, not each by itself, is that of the prior.

    min_E,D  E_x E_q(z|x)[c(x, D(z))] + λ 𝒟(q_z, p_z),   q_z = E_x q(z|x),   p_z = N(0, I)          (1)

c is a cost of decoding, the squared error ‖x − D(z)‖² summed over dimensions if nothing else is said. 𝒟 is either the
maximum mean discrepancy with inverse multiquadratic kernels at several scales, or what an adversary T on codes tells:

    MMD² = Σ_{i≠j} k(z_i, z_j) / n(n−1) + Σ_{i≠j} k(y_i, y_j) / n(n−1) − 2 Σ_ij k(z_i, y_j) / n²    (2)
    k(a, b) = Σ_s C_s / (C_s + ‖a − b‖²),   C_s = 2 d s,   s = 0.1, 0.2, 0.5, 1, 2, 5, 10            (3)
    min_T  E[s(−T(y)) + s(T(z))],   s(t) = log(1 + eᵗ),   y ~ p_z                                   (4)
    𝒟    = E[s(−T(z))]                                                                              (5)

(2) looks at the whole batch and has mean zero where the two laws are one. q may be a point (a deterministic encoder)
or a Gaussian. With λ = 0 it is an autoencoder. There is no likelihood.

Ilya Tolstikhin, Olivier Bousquet, Sylvain Gelly, Bernhard Schölkopf. Wasserstein Auto-Encoders. 2018.
https://arxiv.org/abs/1711.01558
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import softplus

from likeness.core import Method, Terms, Update
from likeness.costs import Cost, SquaredError
from likeness.data.batch import Batch
from likeness.density.latents import Posterior, interpolated
from likeness.errors import InputError
from likeness.nn.modes import evaluating
from likeness.ranks import gather, noise_like, per_sample
from likeness.sampling import Streams, streams

SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def multiquadratic(a: Float[Tensor, "n d"], b: Float[Tensor, "m d"]) -> Float[Tensor, "n m"]:
    """The kernel at all scales, of codes whose prior is N(0, I)."""
    apart = (a.square().sum(1)[:, None] + b.square().sum(1) - 2 * a @ b.T).clamp_min(0)
    base = 2 * a.shape[1]
    return sum((base * s / (base * s + apart) for s in SCALES), torch.zeros_like(apart))  # (3)


def mmd(z: Float[Tensor, "n d"], y: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
    """MMD² of two samples, without bias, so that it can be below zero.

    Raises:
        InputError: there are fewer than two rows.
    """
    n = len(z)
    if n < 2:
        raise InputError(f"a batch of {n}: a discrepancy of codes needs two samples or more")
    inside = [(k.sum() - k.diagonal().sum()) / (n * (n - 1)) for k in (multiquadratic(z, z), multiquadratic(y, y))]
    return inside[0] + inside[1] - 2 * multiquadratic(z, y).mean()  # (2)


class Coder(nn.Module):
    """Encoder, decoder and cost, which are one player."""

    def __init__(self, E: nn.Module, D: nn.Module, cost: Cost) -> None:
        super().__init__()
        self.E, self.D, self.cost = E, D, cost


class WAE(Method):
    """Encoder `E` (x → code, or 2 d_z numbers: μ, log σ²) and decoder `D` (z → outputs of the cost).

    Args:
        cost: of decoding; `SquaredError` if not given.
        d_z: size of a code.
        weight: λ; the paper's 10 is for its images in [0, 1], whose squared errors are a quarter of ours.
        critic: the adversary T (z → logit, positive for the prior); without one the discrepancy is the MMD.
        gaussian: whether the encoder gives a Gaussian instead of a point.

    Raises:
        InputError: the weight is below zero; in training, samples that the cost is not for.
    """

    def __init__(
        self,
        E: nn.Module,
        D: nn.Module,
        cost: Cost | None = None,
        *,
        d_z: int,
        weight: float = 10.0,
        critic: nn.Module | None = None,
        gaussian: bool = False,
    ) -> None:
        super().__init__()
        if weight < 0:
            raise InputError(f"weight {weight:g} of the discrepancy: give zero or more; zero is an autoencoder")
        self.coder = Coder(E, D, SquaredError() if cost is None else cost)
        self.critic, self.d_z, self.weight, self.gaussian = critic, d_z, weight, gaussian

    def updates(self, batch: Batch) -> Iterator[Update]:
        x = batch.x
        if self.iteration == 0:  # later it would wait for the device at every step
            self.coder.cost.check(x)
        prior = per_sample(len(x), lambda n: torch.randn(n, self.d_z, device=x.device))
        noise = noise_like(prior) if self.gaussian else None
        if self.critic is not None:
            z = self._code(x, noise)
            yield self.critic, lambda: {"critic": self.told(prior, z).mean()}
        yield self.coder, lambda: self.terms(x, prior, noise)

    def terms(self, x: Float[Tensor, " n *event"], prior: Float[Tensor, "n d_z"], noise: Tensor | None) -> Terms:
        """What encoder and decoder minimise, given draws of the prior and the noise of a Gaussian encoder."""
        z = self._code(x, noise)
        terms = {"cost": self.coder.cost(x, self.coder.D(z)).mean()}
        if self.critic is None:
            apart = mmd(gather(z), gather(prior))
        else:
            apart = softplus(-self.critic(z)).mean()  # (5)
        return terms | {"discrepancy": self.weight * apart}  # (1)

    def told(self, prior: Float[Tensor, "n d_z"], z: Float[Tensor, "n d_z"]) -> Float[Tensor, " n"]:
        """What the adversary minimises: the logistic loss between draws of the prior and codes."""
        assert self.critic is not None
        return softplus(-self.critic(prior)) + softplus(self.critic(z))  # (4)

    def _code(self, x: Tensor, noise: Tensor | None) -> Tensor:
        outputs = self.coder.E(x)
        return outputs if noise is None else Posterior.of(outputs).at(noise)

    @torch.no_grad()
    def sample(self, n: int, *, generator: int | Streams | None = None) -> Float[Tensor, " n *event"]:
        source, device = streams(generator), next(self.coder.D.parameters()).device
        z = source.normal(n, self.d_z, device=device)
        with evaluating(self.coder.D):
            return self.coder.cost.sample(self.coder.D(z), source)

    @torch.no_grad()
    def encode(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n d_z"]:
        """Codes; of a Gaussian encoder their means."""
        with evaluating(self.coder.E):
            return self.coder.E(x)[:, : self.d_z]

    def decode(self, z: Float[Tensor, "n d_z"]) -> Float[Tensor, " n *event"]:
        """In evaluation mode; gradients reach z."""
        with evaluating(self.coder.D):
            return self.coder.cost.mean(self.coder.D(z))

    @torch.no_grad()
    def reconstruct(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n *event"]:
        return self.decode(self.encode(x))

    @torch.no_grad()
    def interpolate(
        self, a: Float[Tensor, " n *event"], b: Float[Tensor, " n *event"], steps: int = 8
    ) -> Float[Tensor, " steps n *event"]:
        """What is decoded along the straight lines between the codes of a and b, both included."""
        return torch.stack([self.decode(z) for z in interpolated(self.encode(a), self.encode(b), steps)])
