"""The variational autoencoder: a decoder p(x|z) and an encoder q(z|x), trained together on a bound of log p(x).

    z ~ N(0, I),   x ~ p(x|z)                                                                       (1)
    ELBO(x)   = E_q(z|x)[log p(x|z)] − KL(q(z|x) ‖ N(0, I)) ≤ log p(x)                              (2)
    minimised : −E_q[log p(x|z)] + β KL                                                             (3)
    IW_k(x)   = E log (1/k) Σ_i p(x|z_i) p(z_i) / q(z_i|x),   z_i ~ q(z|x),   ELBO = IW_1 ≤ IW_k ≤ log p(x)   (4)

Sums over dimensions and means over the batch, in nats, always. `reconstruction` + `kl` of a step is −ELBO whatever β
and free bits are: what these add to the loss is a term of its own, `weighting`.

Diederik P. Kingma, Max Welling. Auto-Encoding Variational Bayes. 2013. https://arxiv.org/abs/1312.6114
(3) Irina Higgins et al. beta-VAE. 2017. https://openreview.net/forum?id=Sy2fzU9gl
(4) Yuri Burda, Roger Grosse, Ruslan Salakhutdinov. Importance Weighted Autoencoders. 2016.
    https://arxiv.org/abs/1509.00519
"""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from likeness.core import Method, Terms, Update
from likeness.data.batch import Batch
from likeness.density.classes import drawn, given, normalised, over_classes
from likeness.density.latents import (
    Posterior,
    Schedule,
    constant,
    importance_weighted,
    interpolated,
    kl,
    log_prior,
    weighting,
)
from likeness.density.likelihoods import Likelihood, placed
from likeness.errors import InputError
from likeness.nn.modes import evaluating
from likeness.ranks import per_sample
from likeness.sampling import Streams, streams

Labels = Int[Tensor, " n"] | None


class VAE(Method):
    """Encoder `E` (x → 2 d_z numbers: μ, log σ²) and decoder `D` (z → outputs of the likelihood).

    Args:
        likelihood: p(x|z) given the decoder's outputs; see `likelihoods.py`.
        d_z: size of the latent vector.
        beta: weight of the KL, or a function of the iteration that returns it (`latents.linear`, `cyclic`).
        free_bits: nats of KL in each dimension that cost nothing; the loss then looks at the batch as a whole.
        observe: what of a training sample is learned from, drawn anew each time (`likelihoods.binarised`).
        labels: for networks conditional on a class, how often each occurs; (k,), not necessarily normalised.

    Raises:
        InputError: a number is out of its range; in training, samples are none of the likelihood's, or the model is
            conditional and a batch has no labels.
    """

    log_prob_kind = "bound"
    frequencies: Tensor | None

    def __init__(
        self,
        E: nn.Module,
        D: nn.Module,
        likelihood: Likelihood,
        *,
        d_z: int,
        beta: float | Schedule = 1.0,
        free_bits: float = 0.0,
        observe: Callable[[Tensor], Tensor] | None = None,
        labels: Tensor | None = None,
    ) -> None:
        super().__init__()
        if free_bits < 0:
            raise InputError(f"free_bits {free_bits:g}: give nats a dimension, zero or more")
        self.E, self.D, self.likelihood, self.d_z, self.sizes = E, D, likelihood, d_z, (d_z,)
        self.beta = beta if callable(beta) else constant(beta)
        self.free_bits, self.observe = free_bits, observe
        self.register_buffer("frequencies", None if labels is None else normalised(labels))

    def updates(self, batch: Batch) -> Iterator[Update]:
        x = batch.x if self.observe is None else self.observe(batch.x)
        if self.iteration == 0:  # later it would wait for the device at every step
            self.likelihood.check(x)
        labels = given(self.frequencies, batch.y)
        noise = per_sample(len(x), lambda n: torch.randn(n, self.d_z, device=x.device))
        yield self, lambda: self.terms(x, noise, labels)

    def terms(self, x: Float[Tensor, " n *event"], noise: Float[Tensor, "n d_z"], labels: dict[str, Tensor]) -> Terms:
        """What is minimised on these samples, with z at this noise; `labels` is {} or {"y": (n,)}."""
        q = Posterior.of(self.E(x, **labels))
        reconstruction = -self.likelihood.log_prob(x, self.D(q.at(noise), **labels)).mean()
        divergence = kl(q)
        terms = {"reconstruction": reconstruction, "kl": divergence.sum(1).mean()}  # (2)
        return terms | weighting([divergence], self.beta(self.iteration), [self.free_bits])  # (3)

    @torch.no_grad()
    def sample(
        self, n: int, *, generator: int | Streams | None = None, y: Labels = None, mean: bool = False
    ) -> Float[Tensor, " n *event"]:
        """Draw z and then x from p(x|z), or with `mean` its mean, which has less noise than data have.

        A conditional model draws the labels too, by their frequencies, unless they are given.
        """
        source, device = streams(generator), next(self.D.parameters()).device
        z = source.normal(n, self.d_z, device=device)  # (1)
        if y is None and self.frequencies is not None:
            y = drawn(self.frequencies, n, source, device)
        with evaluating(self.D):
            outputs = self.D(z, **given(self.frequencies, y))
        return self.likelihood.mean(outputs) if mean else self.likelihood.sample(outputs, source)

    def at(
        self, noise_z: Float[Tensor, "n d_z"], noise_x: Float[Tensor, " n *event"] | None = None, y: Labels = None
    ) -> Float[Tensor, " n *event"]:
        """The draw for this noise of z and of x given z, or the mean given z; gradients reach both.

        Raises:
            InputError: draws of the likelihood are no smooth function of noise.
        """
        with evaluating(self.D):
            return placed(self.likelihood, self.D(noise_z, **given(self.frequencies, y)), noise_x)

    @torch.no_grad()
    def encode(self, x: Float[Tensor, " n *event"], y: Labels = None) -> Posterior:
        """q(z|x): its means are the codes of new data, to compare, to add and subtract, and to decode."""
        with evaluating(self.E):
            return Posterior.of(self.E(x, **given(self.frequencies, y)))

    def decode(self, z: Float[Tensor, "n d_z"], y: Labels = None) -> Float[Tensor, " n *event"]:
        """The mean of p(x|z), in evaluation mode; gradients reach z."""
        with evaluating(self.D):
            return self.likelihood.mean(self.D(z, **given(self.frequencies, y)))

    @torch.no_grad()
    def reconstruct(self, x: Float[Tensor, " n *event"], y: Labels = None) -> Float[Tensor, " n *event"]:
        """The mean of p(x|z) at the mean of q(z|x): nothing is drawn."""
        return self.decode(self.encode(x, y).mean, y)

    @torch.no_grad()
    def variants(
        self,
        x: Float[Tensor, " m *event"],
        n: int,
        *,
        scale: float = 1.0,
        generator: int | Streams | None = None,
        y: Labels = None,
    ) -> Float[Tensor, " m n *event"]:
        """`n` draws near each of these samples: z from q(z|x), `scale` times as far from its mean.

        Raises:
            InputError: n is below one, or the scale not above zero.
        """
        if n < 1 or scale <= 0:
            raise InputError(f"{n} variants at scale {scale:g}: give one or more, and a scale above zero (1 is σ)")
        source, q = streams(generator), Posterior(*(part.repeat_interleave(n, 0) for part in self.encode(x, y)))
        z = q.at(scale * source.normal(*q.mean.shape, device=x.device))
        labels = given(self.frequencies, None if y is None else y.repeat_interleave(n))
        with evaluating(self.D):
            return self.likelihood.sample(self.D(z, **labels), source).unflatten(0, (len(x), n))

    @torch.no_grad()
    def interpolate(
        self, a: Float[Tensor, " n *event"], b: Float[Tensor, " n *event"], steps: int = 8, y: Labels = None
    ) -> Float[Tensor, " steps n *event"]:
        """Decoder means along the straight lines between the codes of a and b, both included."""
        z = interpolated(self.encode(a, y).mean, self.encode(b, y).mean, steps)
        return torch.stack([self.decode(row, y) for row in z])

    @torch.no_grad()
    def log_prob(
        self,
        x: Float[Tensor, " n *event"],
        y: Labels = None,
        *,
        k: int = 64,
        generator: int | Streams | None = 0,
    ) -> Float[Tensor, " n"]:
        """A lower bound of log p(x), or of log p(x|y) given labels, in nats: IW_k, an estimate of the ELBO for k = 1.

        Without labels a conditional model sums over its classes. `observe` is not applied: x is taken as it is.

        Raises:
            InputError: k is below one.
        """
        source = streams(generator)
        if y is not None or self.frequencies is None:
            return self._bound(x, y, k, source)
        return over_classes(self.frequencies, x, lambda labels: self._bound(x, labels, k, source))

    def _bound(self, x: Tensor, y: Tensor | None, k: int, source: Streams) -> Tensor:
        labels, q = given(self.frequencies, y), self.encode(x, y)

        def log_weight() -> Tensor:
            z = q.at(source.normal(len(x), self.d_z, device=x.device))
            with evaluating(self.D):
                log_joint = self.likelihood.log_prob(x, self.D(z, **labels)) + log_prior(z)
            return log_joint - q.log_prob(z)

        return importance_weighted(log_weight, k)  # (4)
