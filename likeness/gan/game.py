"""The adversarial game between a generator and a critic, from which every GAN here is composed.

    critic     min_D  E[critic loss(D(x), D(G(z)))] + E[penalties]                                  (1)
    generator  min_G  E[generator loss(D(x), D(G(z)))]                                              (2)

Algorithm 1 of the paper: the critic moves first, then the generator, each on fresh noise z. With `n_critic` = k
every batch moves the critic and every k-th one the generator, so that a step always costs one batch.
A second time-scale is a second optimiser.

Ian Goodfellow et al. Generative Adversarial Networks. 2014. https://arxiv.org/abs/1406.2661
"""

import copy
from collections.abc import Callable, Iterator
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from likeness.core import Method, Terms, Update
from likeness.data.batch import Batch
from likeness.errors import InputError
from likeness.gan.losses import AdversarialLoss, non_saturating, smoothed
from likeness.gan.penalties import Penalty, PenaltyFunction, clip_weights, penalties
from likeness.nn.modes import evaluating
from likeness.ranks import gather, holding, noise_like, per_sample
from likeness.sampling import Streams, streams

Critic = Callable[..., Tensor]  # samples (n, *event), and labels y= where there are classes, to logits (n,)
Opponent = Callable[[nn.Module, Callable[[Critic], Tensor]], Critic]  # (D, a critic's loss) to the critic G faces


def present(D: nn.Module, loss: Callable[[Critic], Tensor]) -> Critic:
    """The critic as it is: the ordinary opponent."""
    return D


class GAN(Method):
    """Generator `G` (z → x) against critic `D` (x → logit, positive means real).

    Args:
        d_z: size of the latent vector z ~ N(0, I).
        loss: a row of `likeness.gan.losses`.
        penalty: a function of `likeness.gan.penalties`, a `Penalty` with its weight, or a list of them.
        n_critic: moves of the critic for one of the generator.
        smoothing: one-sided label smoothing, the share by which the label of real samples falls below one.
        instance_noise: standard deviation of the noise on everything the critic sees in training, or a function
            of the iteration that returns it.
        clip: bound on the critic's weights after each of its moves (Wasserstein GAN's way).
        labels: for networks conditional on a class, how often each occurs; (k,), not necessarily normalised.
        opponent: which critic the generator faces (`unrolled` looks ahead).

    Raises:
        InputError: a number is out of its range; in training, a conditional game gets a batch without labels.
    """

    label_cdf: Tensor | None

    def __init__(
        self,
        G: nn.Module,
        D: nn.Module,
        *,
        d_z: int,
        loss: AdversarialLoss = non_saturating,
        penalty: PenaltyFunction | Penalty | list[Penalty] | None = None,
        n_critic: int = 1,
        smoothing: float = 0.0,
        instance_noise: float | Callable[[int], float] = 0.0,
        clip: float | None = None,
        labels: Tensor | None = None,
        opponent: Opponent = present,
    ) -> None:
        super().__init__()
        if n_critic < 1:
            raise InputError(f"n_critic {n_critic}: the critic moves once or more for each move of the generator")
        if clip is not None and clip <= 0:
            raise InputError(f"clip {clip}: weights are clipped to a positive bound, such as 0.01")
        self.G, self.D, self.d_z, self.opponent = G, D, d_z, opponent
        self.loss = smoothed(loss, smoothing) if smoothing else loss
        self.penalties = penalties(penalty)
        self.n_critic, self.instance_noise, self.clip = n_critic, instance_noise, clip
        self.register_buffer("label_cdf", None if labels is None else _cdf(labels))

    def updates(self, batch: Batch) -> Iterator[Update]:
        n, labels = len(batch.x), self._labels(batch.y)
        real = self._noisy(batch.x)
        fake = self._noisy(self.G(self.prior(n), **labels))
        yield self.D, lambda: self.critic_terms(self.D, real, fake, labels)
        if self.clip is not None:
            clip_weights(self.D, self.clip)
        if (self.iteration + 1) % self.n_critic == 0:
            z = self.prior(n)
            yield self.G, lambda: self.generator_terms(z, real, labels)

    def critic_terms(self, D: Critic, real: Tensor, fake: Tensor, labels: dict[str, Tensor]) -> Terms:
        """What a critic minimises on these samples; `labels` is {} or {"y": labels of real and fake}."""
        D = partial(D, **labels)
        terms = {"critic": self.loss.critic(D(real), D(fake)).mean()}  # (1)
        return terms | {p.name: p(D, real, fake).mean() for p in self.penalties if p.due(self.iteration)}

    def generator_terms(self, z: Tensor, real: Tensor, labels: dict[str, Tensor]) -> Terms:
        """What the generator minimises; only a loss on pairs looks at the real samples."""
        fake = self._noisy(self.G(z, **labels))
        D = self.opponent(self.D, lambda D: self._loss_on_all(D, real, fake, labels))
        on_real = D(real, **labels) if self.loss.paired else None
        return {"generator": self.loss.generator(on_real, D(fake, **labels)).mean()}  # (2)

    def _loss_on_all(self, D: Critic, real: Tensor, fake: Tensor, labels: dict[str, Tensor]) -> Tensor:
        """The critic's loss on the whole batch, by which an opponent looks ahead."""
        real, fake = gather(real), gather(fake)
        labels = {name: gather(y) for name, y in labels.items()}
        with holding(None):
            return torch.stack([*self.critic_terms(D, real, fake, labels).values()]).sum()

    def prior(self, n: int, streams: Streams | None = None) -> Float[Tensor, "n d_z"]:
        """Latent vectors: from torch's own state, or one stream a sample."""
        device = next(self.G.parameters()).device
        if streams is None:
            return per_sample(n, lambda k: torch.randn(k, self.d_z, device=device))
        return streams.normal(n, self.d_z, device=device)

    def decode(self, z: Float[Tensor, "n d_z"], y: Int[Tensor, " n"] | None = None) -> Float[Tensor, " n *event"]:
        """G(z) in evaluation mode, where sample i depends on z_i alone; gradients reach z."""
        with evaluating(self.G):
            return self.G(z) if y is None else self.G(z, y=y)

    @torch.no_grad()
    def sample(
        self, n: int, *, generator: int | Streams | None = None, y: Int[Tensor, " n"] | None = None
    ) -> Float[Tensor, " n *event"]:
        """Draw; a conditional game draws the labels too, by their frequencies, unless they are given."""
        source = streams(generator)
        z = self.prior(n, source)
        if y is None and self.label_cdf is not None:
            u = source.uniform(n, device=z.device)
            y = torch.searchsorted(self.label_cdf, u).clamp_(max=len(self.label_cdf) - 1)
        return self.decode(z, y)

    def with_generator(self, G: nn.Module) -> "GAN":
        """The same game, sharing all but the generator: to draw from its average, `gan.with_generator(ema.module)`."""
        other = copy.copy(self)
        other._modules = {**self._modules, "G": G}
        return other

    def _labels(self, y: Tensor | None) -> dict[str, Tensor]:
        if self.label_cdf is None:
            return {}
        if y is None:
            raise InputError("this game is conditional on labels and the batch has none: train it on labelled data")
        return {"y": y}

    def _noisy(self, x: Tensor) -> Tensor:
        std = self.instance_noise(self.iteration) if callable(self.instance_noise) else self.instance_noise
        return x + std * noise_like(x) if std else x


def _cdf(frequencies: Tensor) -> Float[Tensor, " k"]:
    if frequencies.ndim != 1 or (frequencies < 0).any() or frequencies.sum() <= 0:
        raise InputError(f"label frequencies {frequencies.tolist()}: give one number ≥ 0 a class, not all zero")
    return (frequencies.double().cumsum(0) / frequencies.double().sum()).float()
