"""The images of the card `drs`: a convolutional GAN's draws before and after, judged in the space of a classifier.

Digits are built in; Fashion-MNIST counts where the folder that LIKENESS_DATA names holds it.
"""

from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.optim import Adam

from likeness.core import train
from likeness.data import Dataset, batches, load, whole
from likeness.gan import GAN, Penalty, r1
from likeness.judge import classifier
from likeness.judge.features import features_of
from likeness.judge.frechet import frechet_distance
from likeness.nn import average, critic_for, generator_for
from likeness.papers._shelf import there
from likeness.papers.card import Claim, Numbers, Scale, for_each
from likeness.refine import Projected, fit_ratio, keep_training, rejection
from likeness.sampling import Sampler, draw

FASHION, IMAGENET = "fashion_mnist", "14.79 → 13.75 (ImageNet)"


def names() -> tuple[str, ...]:
    """The sets of images there are: digits is built in; Fashion-MNIST counts where LIKENESS_DATA names its folder."""
    return ("digits", *((FASHION,) if there(FASHION) else ()))


def measure(name: str, seed: int, steps: int, ratio_steps: int, device: torch.device) -> dict[str, float]:
    """Draws before and after: Fréchet distance in a classifier's space, entropy of the labels of nearest samples."""
    data = load(name, seed=seed, limit=10_000)
    learned, test = whole(data.train), whole(data.test, 2000)
    assert learned.y is not None
    half = len(learned.x) // 2
    space = classifier(learned.x[:half], learned.y[:half], seed=seed, device=device)
    sampler, critic = trained(data, steps, seed, device)
    real = learned.x.to(device)
    ratios = {
        "keep": keep_training(critic, sampler, real, batch_size=64, max_steps=ratio_steps // 4, lr=3e-4, seed=seed),
        "project": fit_ratio(sampler, real, network=Projected(real), batch_size=128, max_steps=ratio_steps, seed=seed),
    }
    ways: dict[str, Sampler] = {"raw": sampler}
    ways |= {way: rejection(sampler, ratio, budget=5, burn_in=2000, seed=seed) for way, ratio in ratios.items()}
    reference, known = (features_of(space, x, device=device).cpu() for x in (test.x, learned.x))
    found: dict[str, float] = {}
    for way, made in ways.items():
        f = features_of(space, draw(made, 1000, generator=seed), device=device).cpu()
        found[f"{name}.{way}.frechet"] = float(frechet_distance(f, reference))
        found[f"{name}.{way}.entropy"] = label_entropy(f, known, learned.y)
    return found


def trained(data: Dataset, steps: int, seed: int, device: torch.device) -> tuple[Sampler, nn.Module]:
    """A convolutional GAN's averaged draws and its critic."""
    torch.manual_seed(seed)
    gan = GAN(
        generator_for(data.event, d_z=64, width=32),
        critic_for(data.event, width=32),
        d_z=64,
        penalty=Penalty(r1, 0.1, every=16),
    ).to(device)
    moves = {player: Adam(player.parameters(), 1e-3, betas=(0.5, 0.99)) for player in (gan.D, gan.G)}
    ema = average(gan.G, 0.995)
    for _ in train(gan, batches(data.train, 64, seed=seed, steps=steps, device=device), moves):
        ema.update(gan.G)
    return gan.with_generator(ema.module).sample, gan.D.eval()


def label_entropy(f: Float[Tensor, "n d"], known: Float[Tensor, "m d"], y: Int[Tensor, " m"]) -> float:
    """Entropy, in nats, of the labels of the nearest training samples: it falls when classes are lost."""
    share = torch.bincount(y[torch.cdist(f, known).argmin(1)]).double() / len(f)
    return float(-torch.xlogy(share, share).sum())


def claims() -> tuple[Claim, ...]:
    """The Fréchet distance falls and no class is lost: measured for both sets, and steady on the larger one alone."""
    rows = []
    for name in names():
        for way, told in (("keep", "critic trained on"), ("project", "ratio of 20 principal components")):
            scales: tuple[Scale, ...] = ("laptop",) if (name, way) == (FASHION, "project") else ()
            parts = (("frechet", "Fréchet", IMAGENET, _lower), ("entropy", "entropy of labels", None, _no_class_lost))
            for key, what, said, holds in parts:
                ours, raw = f"{name}.{way}.{key}", f"{name}.raw.{key}"
                verdict = for_each(partial(holds, name, way))
                rows.append(Claim(f"{name}, {told}: {what}", ours, said, raw, verdict, scales))
    return tuple(rows)


def _lower(name: str, way: str, n: Numbers) -> bool:
    return n[f"{name}.{way}.frechet"] < n[f"{name}.raw.frechet"]


def _no_class_lost(name: str, way: str, n: Numbers) -> bool:
    return n[f"{name}.{way}.entropy"] > n[f"{name}.raw.entropy"] - 0.05
