"""Learning a density ratio: a classifier between real samples and a sampler's, stopped by held-out data.

Cross-entropy on fresh real and generated batches (both classes equally often), so that the logit tends to

    d(x) = log p_data(x) / p_model(x)                                   (1)

Training stops when held-out real and generated samples say so, the best weights are kept, and Platt's slope and
offset are fitted to the held-out part. `keep_training` starts from a GAN's own discriminator; where its loss was
not logistic (hinge, Wasserstein) the score is no log ratio, and a linear head on its frozen features learns one.
Of several processes each learns for itself, from the same numbers.

Samaneh Azadi, Catherine Olsson, Trevor Darrell, Ian Goodfellow, Augustus Odena. Discriminator Rejection
Sampling. 2019. https://arxiv.org/abs/1810.06758 (KeepTraining)
"""

import copy
from collections.abc import Callable, Iterator, Sized
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR

from likeness.core import Method, Step, Update, train
from likeness.errors import InputError
from likeness.ranks import World, using, world
from likeness.refine import calibration
from likeness.refine.ratio import DensityRatio, Fit, calibrate
from likeness.sampling import Sampler, Streams, draw
from likeness.spread import alike

HELD_OUT = 5000  # held-out samples of each kind at most: the rest is worth more for training
CHECK_EVERY = 100


class RealOrGenerated(Method):
    """A classifier between the real and the generated half of a batch."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def updates(self, batch: tuple[Tensor, Tensor]) -> Iterator[Update]:
        real, fake = batch
        yield self.network, lambda: {"log_loss": calibration.log_loss(self.logit(real), self.logit(fake))}  # (1)

    def logit(self, x: Tensor) -> Tensor:
        return self.network(x).reshape(len(x))


class Headed(nn.Module):
    """A head on the frozen features of a critic."""

    critic: Any

    def __init__(self, critic: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.critic, self.head = critic.requires_grad_(False), head

    def forward(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
        return self.head(self.critic.features(x)).reshape(len(x))


class Standardised(nn.Module):
    """A network that sees vectors with the mean and the spread of `like` taken out."""

    mean: Tensor
    spread: Tensor

    def __init__(self, network: nn.Module, like: Float[Tensor, "n d"]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", like.mean(0))
        self.register_buffer("spread", like.std(0).clamp(min=1e-6))

    def forward(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        return self.network((x - self.mean) / self.spread).reshape(len(x))


def fit_ratio(
    sampler: Sampler,
    real: Float[Tensor, " n *event"],
    *,
    network: nn.Module | None = None,
    val_frac: float = 0.2,
    batch_size: int = 512,
    lr: float = 1e-3,
    max_steps: int = 6000,
    patience: int = 1000,
    seed: int = 0,
    progress: Callable[[int, float], object] | None = None,
) -> DensityRatio:
    """A density ratio between `real` and what `sampler` draws, from scratch.

    Args:
        sampler: any sampler. One with a length (`Rows`) is finite: its held-out rows are apart from those learned
            from. To refine the same rows, use `cross_fit`.
        real: real samples that the judge will not use.
        network: a critic, trained in place; by default one that suits the shape of a sample.
        val_frac: the share of `real` (and of a finite sampler) that is held out, in (0, 1); 5000 at most.
        lr, max_steps: Adam's learning rate falls from `lr` to 0 along a half cosine over `max_steps`.
        patience: how many steps without a better held-out loss end the training.
        progress: called with the step and the held-out loss (nats) every hundred steps.

    Raises:
        InputError: too few samples, NaN among them, shapes that differ, or a network that gives NaN.
    """
    _validate(sampler, real, val_frac)
    with using(World()), torch.random.fork_rng(devices=[real.device] if real.is_cuda else []):
        torch.manual_seed(seed)
        train_real, held_real = _parted(real, val_frac)
        if isinstance(sampler, Sized):
            fakes, held_fake = _of_rows(sampler(len(sampler)).to(real.device), val_frac, batch_size)
        else:
            fakes, held_fake = _fresh(sampler, held_real, batch_size, seed)
        network = _critic(train_real) if network is None else network
        method = RealOrGenerated(network).to(real.device)
        batches = _pairs(train_real, fakes, batch_size, max_steps)
        optimiser = torch.optim.Adam([p for p in method.parameters() if p.requires_grad], lr=lr)
        steps = _annealed(train(method, batches, optimiser), CosineAnnealingLR(optimiser, max(max_steps, 1)))
        every = min(CHECK_EVERY, max_steps)
        fit = _stopped_early(method, steps, (held_real, held_fake), patience=patience, every=every, progress=progress)
        own = float(calibration.log_loss(*_logits(method, train_real[: len(held_real)], fakes(0))))
        fit = fit._replace(train_loss=own)
        ratio = calibrate(method.network, held_real, held_fake, fit=fit, batch_size=batch_size)
    return _of_the_first(ratio, method.network)


def keep_training(
    D: nn.Module,
    sampler: Sampler,
    real: Float[Tensor, " n *event"],
    *,
    logistic: bool = True,
    head: nn.Module | None = None,
    **options: Any,
) -> DensityRatio:
    """A density ratio that starts from a GAN's discriminator; a copy of `D` learns, the caller's stays as it is.

    Args:
        D: the discriminator, (n, *event) → (n,).
        logistic: whether it was trained with a logistic loss; if not, only a head on `D.features` learns.
        head: maps features (n, D.feature_size) to a logit; a linear layer by default.
        options: those of `fit_ratio`.
    """
    D = copy.deepcopy(D)
    if logistic and head is None:
        return fit_ratio(sampler, real, network=D.requires_grad_(True), **options)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.get("seed", 0))
        network = Headed(D, nn.Linear(int(D.feature_size), 1) if head is None else head)  # type: ignore[arg-type]
    return fit_ratio(sampler, real, network=network, **options)


def _of_the_first(ratio: DensityRatio, network: nn.Module) -> DensityRatio:
    """The ratio of the first process: all of them learn the same, but for the last digits on unlike machines."""
    alike(network)
    facts, fit = world().objects((ratio.calibration, ratio.fit))[0]
    return DensityRatio(network, calibration=facts, fit=fit, batch_size=ratio.batch_size)


def _validate(sampler: Sampler, real: Tensor, val_frac: float) -> None:
    if len(real) < 10:
        raise InputError(f"{len(real)} real samples: a density ratio needs 10 or more, better thousands")
    if isinstance(sampler, Sized) and len(sampler) < 10:
        raise InputError(f"{len(sampler)} generated samples: a density ratio needs 10 or more, better thousands")
    if not 0 < val_frac < 1:
        raise InputError(f"val_frac={val_frac}: the held-out share lies between 0 and 1, for example 0.2")
    if not real.isfinite().all():
        raise InputError("the real samples hold NaN or infinite numbers: clean them first")
    with torch.no_grad():
        one = sampler(1, generator=0)
    if one.shape[1:] != real.shape[1:]:
        raise InputError(
            f"the sampler draws samples of shape {tuple(one.shape[1:])}, the real ones have {tuple(real.shape[1:])}: "
            "give both the same shape"
        )


def _parted(x: Tensor, val_frac: float) -> tuple[Tensor, Tensor]:
    order = torch.randperm(len(x)).to(x.device)
    held = min(max(round(val_frac * len(x)), 2), HELD_OUT)
    return x[order[held:]], x[order[:held]]


def _of_rows(x: Tensor, val_frac: float, batch_size: int) -> tuple[Callable[[int], Tensor], Tensor]:
    """A function from the step to its generated batch, and held-out generated samples, from apart rows of `x`."""
    learned, held = _parted(x, val_frac)
    return lambda step: learned[torch.randint(len(learned), (batch_size,))], held


def _fresh(sampler: Sampler, like: Tensor, batch_size: int, seed: int) -> tuple[Callable[[int], Tensor], Tensor]:
    """The same from a sampler without end: every batch new, and as many held out as there are rows in `like`."""
    source = Streams(seed).split("fit ratio")

    def batch(step: int) -> Tensor:
        with torch.no_grad():
            return sampler(batch_size, generator=source.at(step * batch_size)).to(like.device)

    return batch, draw(sampler, len(like), generator=source.split("held out")).to(like.device)


def _pairs(real: Tensor, fakes: Callable[[int], Tensor], n: int, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
    for step in range(steps):
        yield real[torch.randint(len(real), (n,))], fakes(step)


def _annealed(steps: Iterator[Step], schedule: CosineAnnealingLR) -> Iterator[Step]:
    """Steps that grow smaller: at a constant rate the last ones shake the logits, and the ratio with them."""
    for step in steps:
        schedule.step()
        yield step


def _stopped_early(
    method: RealOrGenerated,
    steps: Iterator[Step],
    held: tuple[Tensor, Tensor],
    *,
    patience: int,
    every: int,
    progress: Callable[[int, float], object] | None,
) -> Fit:
    best, kept, step = float(calibration.log_loss(*_logits(method, *held))), 0, 0
    state = copy.deepcopy(method.state_dict())
    for learned in steps:
        step = learned.iteration
        if step % every:
            continue
        loss = float(calibration.log_loss(*_logits(method, *held)))
        if progress is not None:
            progress(step, loss)
        if loss < best:
            best, kept, state = loss, step, copy.deepcopy(method.state_dict())
        if step - kept >= patience:
            break
    method.load_state_dict(state)
    return Fit(step, kept, best, best, len(held[0]))


def _logits(method: RealOrGenerated, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    ratio = DensityRatio(method.network)
    return ratio(real), ratio(fake)


def _critic(real: Tensor) -> nn.Module:
    from likeness.nn import critic_for

    network = critic_for(tuple(real.shape[1:]))
    return Standardised(network, real) if real.ndim == 2 else network
