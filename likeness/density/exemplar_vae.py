"""A variational autoencoder whose prior is made of examples: to draw, take one, move its code a little, decode.

    n ~ U{1 … N},   z ~ N(μ(xₙ), σ² I),   x ~ p(x|z)                                                (1)
    log p(x) ≥ E_q(z|x)[log p(x|z) − log q(z|x) + log p(z)],   q(z|x) = N(μ(x), diag s²(x))         (2)
    training : π, a random part of the exemplars, drawn anew in each epoch; log p₋ᵢ(z) over π       (3)
    retrieval: of p₋ᵢ only the terms of S, the k exemplars nearest to each sample of the batch      (4)
    IW_k(x)  = E log (1/k) Σ_j p(x|z_j) p(z_j) / q(z_j|x) ≤ log p(x),   p(z) of all N exemplars     (5)

The prior shares μ with the posterior and has one σ (`exemplars.py`). Exemplars S are encoded anew in every step, with
gradient; who they are is found in a table of codes (`retrieval.py`), which is written as codes are computed and as a
whole in every epoch. Such a model has to keep its training set to learn. To draw it needs the codes alone.

The paper's optimiser, Adam on gradients of norm one, is left to the caller: plain Adam is what is tried here.

Sajad Norouzi, David J. Fleet, Mohammad Norouzi. Exemplar VAE: Linking Generative Models, Nearest Neighbor Retrieval,
and Data Augmentation. 2020. https://arxiv.org/abs/2004.04795
(5) Yuri Burda, Roger Grosse, Ruslan Salakhutdinov. 2016. https://arxiv.org/abs/1509.00519
"""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from likeness.core import Method, Terms, Update
from likeness.data.batch import Batch
from likeness.density.exemplars import BLOCK, Memory, log_mixture, others
from likeness.density.latents import Posterior, Schedule, constant, interpolated
from likeness.density.likelihoods import Likelihood
from likeness.density.retrieval import Table
from likeness.errors import InputError
from likeness.nn.modes import evaluating
from likeness.ranks import gather, per_sample
from likeness.sampling import Streams, streams

TO_TRAIN = ("memory", "table")  # parts of the state that drawing can do without: the samples, and who is near whom


class Neighbours(NamedTuple):
    """Exemplars by their places, (n, k), and their codes, (n, k, d_z); the nearest first."""

    places: Tensor
    codes: Tensor


class ExemplarVAE(Method):
    """Encoder `E` (x → 2 d_z numbers: μ, log s²), decoder `D` (z → outputs of the likelihood), exemplars as they come.

    Args:
        event, capacity: shape and number of the training samples, which batches tell apart by `index`. Images are
            remembered as 8 bits.
        share: of the exemplars that an epoch learns with.
        k: neighbours of each sample; None learns with all exemplars of the epoch.
        beta: weight of the divergence, or a function of the iteration that returns it (`latents.linear`).
        observe: what of a training sample is learned from, drawn anew each time (`likelihoods.binarised`); exemplars
            are encoded as they are.

    Raises:
        InputError: a number is out of its range, or there are not k exemplars besides a sample's own; in training,
            samples are none of the likelihood's, have no index, or come in batches too small for k neighbours.
    """

    log_prob_kind = "bound"
    codes: Tensor
    known: Tensor

    def __init__(
        self,
        E: nn.Module,
        D: nn.Module,
        likelihood: Likelihood,
        *,
        d_z: int,
        event: tuple[int, ...],
        capacity: int,
        share: float = 0.5,
        k: int | None = 10,
        beta: float | Schedule = 1.0,
        observe: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        super().__init__()
        if not 0 < share <= 1:
            raise InputError(f"share {share:g}: the part of the exemplars that is learned with is above 0, at most 1")
        if int(share * capacity) < (k or 1) + 1 or (k is not None and k < 1):
            raise InputError(
                f"{k or 1} neighbours of {int(share * capacity)} exemplars, one of which is the sample itself: "
                "ask for 1 or more and fewer than there are, or use a larger share"
            )
        self.E, self.D, self.likelihood, self.d_z = E, D, likelihood, d_z
        self.share, self.k, self.observe = share, k, observe
        self.beta = beta if callable(beta) else constant(beta)
        self.log_variance = nn.Parameter(torch.zeros(()))  # log σ² of the prior
        self.memory, self.table = Memory(capacity, event), Table(capacity, d_z)
        self.register_buffer("codes", torch.zeros(capacity, d_z))  # to draw near to, as of the last `refresh`
        self.register_buffer("known", torch.zeros(capacity, dtype=torch.bool))

    def updates(self, batch: Batch) -> Iterator[Update]:
        x = batch.x if self.observe is None else self.observe(batch.x)
        if self.iteration == 0:
            self.likelihood.check(x)
        mine, rows = self._remember(batch)
        epoch, place = divmod(self.iteration, max(1, len(self.memory) // len(rows)))
        if place == 0 and epoch:
            self.refresh()
            self._choose()
        noise = per_sample(len(x), lambda n: torch.randn(n, self.d_z, device=x.device))
        near = self._retrieved(gather(self.encode(batch.x).mean), rows, exact=epoch == 0)
        exemplars, used = self.memory.recall(near), others(mine, near)
        count = self.table.listed.sum() - self.table.listed[mine].long()
        latest: list[Tensor] = []

        def objective() -> Terms:
            with evaluating(self.E):  # as they are encoded for draws
                centres = Posterior.of(self.E(exemplars)).mean
            latest[:] = [centres.detach()]
            return self.terms(x, noise, centres, used, count)

        yield self, objective
        self.table.write(near, latest[0])

    def terms(
        self,
        x: Float[Tensor, " n *event"],
        noise: Float[Tensor, "n d_z"],
        centres: Float[Tensor, "m d_z"],
        used: Bool[Tensor, "n m"] | None = None,
        count: Int[Tensor, " n"] | None = None,
    ) -> Terms:
        """What is minimised on these samples, with z at this noise; `used` and `count` as for `log_mixture`."""
        q = Posterior.of(self.E(x))
        z = q.at(noise)
        reconstruction = -self.likelihood.log_prob(x, self.D(z)).mean()
        divergence = q.log_prob(z) - log_mixture(z, centres, self.log_variance, used, count)  # (2), (4)
        terms = {"reconstruction": reconstruction, "kl": divergence.mean()}
        beta = self.beta(self.iteration)
        return terms if beta == 1 else terms | {"weighting": (beta - 1) * terms["kl"]}

    def _remember(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Keep the samples of the whole batch; the places of those at hand, and of all of them."""
        if batch.index is None:
            raise InputError("an exemplar VAE needs to know a sample when it comes again: give batches with an index")
        mine = batch.index.to(batch.x.device)
        rows, x = gather(mine), gather(batch.x)
        if self.iteration == 0 and int(rows.max()) >= len(self.memory):
            raise InputError(f"a sample at place {int(rows.max())} of {len(self.memory)}: use a larger capacity")
        if self.iteration == 0 and len(rows) <= (self.k or 1):
            raise InputError(
                f"a batch of {len(rows)} samples and {self.k or 1} neighbours: the first exemplars are those of the "
                "first batch, so use larger batches or fewer neighbours"
            )
        self.memory.keep(rows, x)
        return mine, rows

    def _retrieved(self, codes: Tensor, rows: Tensor, *, exact: bool) -> Tensor:
        """The places of the exemplars that this step learns with; the codes of the batch are written."""
        self.table.write(rows, codes)
        if exact:  # in the first epoch, every one that has come
            self.codes[rows], self.known[rows], self.table.listed[rows] = codes, True, True
        if self.k is None:
            return self.table.listed.nonzero()[:, 0]
        return self.table.nearest(codes, self.k, rows, exact=exact).unique()  # (4)

    @torch.no_grad()
    def refresh(self) -> None:
        """Encode all exemplars anew, to draw near to them: before a model is judged or kept. No training changes."""
        for rows in self.memory.kept.nonzero()[:, 0].split(1024):
            self.codes[rows], self.known[rows] = self.encode(self.memory.recall(rows)).mean, True

    def _choose(self) -> None:
        self.table.write(torch.arange(len(self.table)), self.codes[: len(self.table)])
        order = torch.randperm(len(self.memory)).to(self.codes.device)
        kept = order[self.memory.kept[order]]
        listed = torch.zeros_like(self.memory.kept)
        listed[kept[: max(int(self.share * len(kept)), (self.k or 1) + 1)]] = True
        self.table.arrange(listed, seed=self.iteration)  # (3)

    @property
    def sigma(self) -> Float[Tensor, ""]:
        """σ of the prior: how far a draw is from its exemplar's code, in each dimension."""
        return (self.log_variance / 2).exp()

    @property
    def centres(self) -> Float[Tensor, "m d_z"]:
        """The codes of all exemplars.

        Raises:
            InputError: there are none yet.
        """
        if not bool(self.known.any()):
            raise InputError("this model has no exemplars yet: train it, or add some with add_exemplars")
        return self.codes[self.known]

    @torch.no_grad()
    def sample(
        self, n: int, *, generator: int | Streams | None = None, mean: bool = False
    ) -> Float[Tensor, " n *event"]:
        """Draws near exemplars taken at random: from p(x|z), or with `mean` its mean."""
        source, centres = streams(generator), self.centres
        chosen = centres[source.integers(n, len(centres), device=centres.device)]
        return self._near(chosen, 1.0, source, mean)

    @torch.no_grad()
    def variants(
        self,
        x: Float[Tensor, " m *event"],
        n: int,
        *,
        scale: float = 1.0,
        generator: int | Streams | None = None,
        mean: bool = False,
    ) -> Float[Tensor, " m n *event"]:
        """`n` draws near each of these samples, seen in training or not; `scale` times as far as the prior's σ.

        Raises:
            InputError: n is below one, or the scale not above zero.
        """
        if n < 1 or scale <= 0:
            raise InputError(f"{n} variants at scale {scale:g}: give one or more, and a scale above zero (1 is σ)")
        codes = self.encode(x).mean.repeat_interleave(n, 0)
        return self._near(codes, scale, streams(generator), mean).unflatten(0, (len(x), n))

    def _near(self, codes: Tensor, scale: float, source: Streams, mean: bool) -> Tensor:
        z = codes + scale * self.sigma * source.normal(len(codes), self.d_z, device=codes.device)  # (1)
        with evaluating(self.D):
            outputs = self.D(z)
        return self.likelihood.mean(outputs) if mean else self.likelihood.sample(outputs, source)

    @torch.no_grad()
    def wander(
        self, x: Float[Tensor, " n *event"], steps: int, *, scale: float = 1.0, generator: int | Streams | None = None
    ) -> Float[Tensor, " steps n *event"]:
        """Each draw is the exemplar of the next one."""
        source, found = streams(generator), []
        for _ in range(steps):
            x = self.variants(x, 1, scale=scale, generator=source, mean=True)[:, 0]
            found.append(x)
        return torch.stack(found)

    @torch.no_grad()
    def add_exemplars(self, x: Float[Tensor, " m *event"]) -> None:
        """More to draw near to, and more of a prior; no weight changes, and what is learned from is what it was."""
        self.codes = torch.cat((self.codes, self.encode(x).mean))
        self.known = torch.cat((self.known, torch.ones(len(x), dtype=torch.bool, device=x.device)))

    def neighbours(self, x: Float[Tensor, " n *event"], k: int = 10) -> Neighbours:
        """The k exemplars whose codes are nearest to those of these samples.

        Raises:
            InputError: there are fewer.
        """
        centres, places = self.centres, self.known.nonzero()[:, 0]
        found = Table.of(centres).nearest(self.encode(x).mean, k, exact=True)
        return Neighbours(places[found], centres[found])

    @torch.no_grad()
    def encode(self, x: Float[Tensor, " n *event"]) -> Posterior:
        """q(z|x): its means are codes."""
        with evaluating(self.E):
            return Posterior.of(self.E(x))

    def decode(self, z: Float[Tensor, "n d_z"]) -> Float[Tensor, " n *event"]:
        """The mean of p(x|z), in evaluation mode; gradients reach z."""
        with evaluating(self.D):
            return self.likelihood.mean(self.D(z))

    @torch.no_grad()
    def reconstruct(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n *event"]:
        """The mean of p(x|z) at the mean of q(z|x): nothing is drawn."""
        return self.decode(self.encode(x).mean)

    @torch.no_grad()
    def interpolate(
        self, a: Float[Tensor, " n *event"], b: Float[Tensor, " n *event"], steps: int = 8
    ) -> Float[Tensor, " steps n *event"]:
        """Decoder means along the straight lines between the codes of a and b, both included."""
        return torch.stack([self.decode(row) for row in interpolated(self.encode(a).mean, self.encode(b).mean, steps)])

    @torch.no_grad()
    def log_prob(
        self, x: Float[Tensor, " n *event"], *, k: int = 64, generator: int | Streams | None = 0
    ) -> Float[Tensor, " n"]:
        """A lower bound of log p(x) in nats: IW_k, with every exemplar, that of a training sample itself too.

        Raises:
            InputError: k is below one.
        """
        if k < 1:
            raise InputError(f"k {k}: a bound needs one draw of z or more; 1 is the evidence lower bound")
        source, q, centres = streams(generator), self.encode(x), self.centres
        weights, rows = torch.full_like(q.mean[:, 0], -math.inf), max(1, BLOCK // len(centres))
        for _ in range(k):
            z = q.at(source.normal(len(x), self.d_z, device=x.device))
            prior = torch.cat([log_mixture(part, centres, self.log_variance) for part in z.split(rows)])
            with evaluating(self.D):
                log_joint = self.likelihood.log_prob(x, self.D(z)) + prior
            weights = torch.logaddexp(weights, log_joint - q.log_prob(z))
        return weights - math.log(k)  # (5)
