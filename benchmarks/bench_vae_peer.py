"""An epoch of a variational autoencoder of images: ours, by hand, and by pythae's trainer.

The networks are pythae's own for 28×28, the batch and the loss (half the squared error, and the divergence) the same;
one thread. Ours and the hand-written loop have our defaults, batches in memory, fused Adam and no subnormal numbers;
pythae its own, a DataLoader and Adam. Images are digits in a black frame, as MNIST's are: the averages that Adam keeps
of black pixels become subnormal, so what is timed are the first steps (`vae`) and those after a while (`vae_later`).
The bars: at most 2 % more than by hand, at least 1.5 times as fast as the peer.
"""

import tempfile
from collections.abc import Callable, Iterator

import torch
from peers import against, missing, silent
from torch import Tensor
from torch.nn.functional import pad
from torch.optim import Adam

from likeness.core import Method, Update, learn
from likeness.data import InMemory, batches, load, whole
from likeness.data.batch import Batch
from likeness.ranks import noise_like
from likeness.run.learner import Learner
from likeness.run.speed import ROUND, Work, operations
from likeness.subnormals import flushed

EVENT, D_Z, N, RATE = (1, 28, 28), 16, 64, 1e-3
LATER = 1600  # steps after which averages that decay have become subnormal, or zero


def networks() -> torch.nn.Module:
    from pythae.models import VAE, VAEConfig

    torch.manual_seed(0)
    return VAE(VAEConfig(input_dim=EVENT, latent_dim=D_Z))


def terms(model: torch.nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """Half the squared error, and KL(q(z|x) ‖ N(0, I)), means over the batch."""
    code = model.encoder(x)
    mu, log_var = code.embedding, code.log_covariance
    z = mu + noise_like(mu) * (0.5 * log_var).exp()
    error = 0.5 * (model.decoder(z)["reconstruction"] - x).square().flatten(1).sum(1)
    return error.mean(), -0.5 * (1 + log_var - mu.square() - log_var.exp()).sum(1).mean()


class VAE(Method):
    """An encoder and a decoder with one loss."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.encoder, self.decoder = model.encoder, model.decoder

    def updates(self, batch: Batch) -> Iterator[Update]:
        yield self, lambda: dict(zip(("error", "divergence"), terms(self, batch.x), strict=True))


def ours(x: Tensor) -> tuple[Callable[[], object], float]:
    vae = VAE(networks()).train()
    moves, feed = Adam(vae.parameters(), RATE, fused=True), batches(InMemory(x), N)
    needed = operations(Work(Learner(vae, moves, lambda: None, vae), feed, torch.device("cpu")))

    def step() -> None:
        with flushed():
            learn(vae, next(feed), moves)

    return step, needed


def by_hand(x: Tensor) -> Callable[[], object]:
    model = networks().train()
    moves, feed = Adam(model.parameters(), RATE, fused=True), batches(InMemory(x), N)

    def step() -> None:
        with flushed():
            moves.zero_grad()
            error, divergence = terms(model, next(feed).x)
            (error + divergence).backward()
            moves.step()

    return step


def pythae(x: Tensor, folder: str) -> Callable[[], object]:
    """`BaseTrainer.train_step`, which is an epoch; called once for a round of steps."""
    from pythae.data.datasets import BaseDataset
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    config = BaseTrainerConfig(output_dir=folder, per_device_train_batch_size=N, learning_rate=RATE, no_cuda=True)
    trainer = BaseTrainer(networks(), BaseDataset(x, torch.zeros(len(x))), training_config=config)
    trainer.prepare_training()
    count = 0

    def step() -> None:
        nonlocal count
        count += 1
        if count % ROUND == 0:
            trainer.callback_handler.on_epoch_begin(
                training_config=config, epoch=count // ROUND, train_loader=trainer.train_loader, eval_loader=None
            )
            trainer.train_step(count // ROUND)

    return step


def digits(n: int) -> Tensor:
    """Digits of 16 × 16 pixels in the middle of 28 × 28, in [0, 1]."""
    x = whole(load("digits", size=16).train).x
    return pad((x[torch.arange(n) % len(x)] + 1) / 2, (6, 6, 6, 6))


def main() -> None:
    if missing("pythae"):
        return
    torch.set_num_threads(1)
    x = digits(ROUND * N)
    with tempfile.TemporaryDirectory() as folder, silent():
        step, needed = ours(x)
        work = {"likeness": step, "by hand": by_hand(x), "pythae": pythae(x, folder)}
    against("vae", work, needed, peer="pythae", rounds=20, bar=1.5)
    with silent():
        for each in work.values():
            for _ in range(LATER):
                each()
    against("vae_later", work, needed, peer="pythae", rounds=40, bar=1.5)


if __name__ == "__main__":
    main()
