"""The blur of the card `likelihood-vs-samples`: decoder means of a VAE by the size of its code, and a GAN beside.

Sharpness is measured on pixels scaled to [0, 1], without features of any classifier:

    Laplacian energy    mean over pixels of (4 x_ij − x_{i−1,j} − x_{i+1,j} − x_{i,j−1} − x_{i,j+1})²             (1)
    grey share          share of pixels in (0.2, 0.8)                                                       (2)

Lucas Theis, Aäron van den Oord, Matthias Bethge. A note on the evaluation of generative models. 2016.
https://arxiv.org/abs/1511.01844
"""

from functools import partial
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv2d

from likeness.core import train
from likeness.data import Dataset, batches, whole
from likeness.judge import FeatureSpace, judge
from likeness.papers.card import Claim, Numbers, Scale, for_each
from likeness.recipes.common import Model, recipe
from likeness.recipes.facts import facts_of
from likeness.sampling import draw

CODES = (1, 2, 16)  # sizes of the latent vector
JUDGED = ("frechet", "precision", "recall")
KERNEL = torch.tensor([[0.0, -1.0, 0.0], [-1.0, 4.0, -1.0], [0.0, -1.0, 0.0]])


class Steps(NamedTuple):
    """Batches that a VAE and a GAN learn from; 0 leaves them out."""

    vae: int
    gan: int


def laplacian(x: Float[Tensor, "n 1 h w"]) -> Float[Tensor, " n"]:
    """Laplacian energy of each image."""
    return conv2d((x + 1) / 2, KERNEL[None, None]).square().mean((1, 2, 3))  # (1)


def grey(x: Float[Tensor, "n 1 h w"]) -> Float[Tensor, " n"]:
    """Grey share of each image."""
    u = (x + 1) / 2
    return ((u > 0.2) & (u < 0.8)).float().mean((1, 2, 3))  # (2)


def measure(name: str, data: Dataset, space: FeatureSpace, steps: Steps, seed: int) -> dict[str, float]:
    """Sharpness of data and draws; what the judge says of the widest VAE and of the GAN."""
    test = whole(data.test, 1000).x
    found = _sharpness(f"{name}.data", test)
    for d_z in CODES:
        model = trained("vae", data, steps.vae, seed, d_z=d_z, draws="mean")
        assert model.reconstruct is not None
        x = draw(model.sampler, len(test), generator=seed)
        found |= _sharpness(f"{name}.vae{d_z}", x) | _sharpness(f"{name}.again{d_z}", model.reconstruct(test))
    found |= _judged(f"{name}.vae{CODES[-1]}", x, test, space)
    if steps.gan:
        x = draw(trained("gan", data, steps.gan, seed, ema=0.99).sampler, len(test), generator=seed)
        found |= _sharpness(f"{name}.gan", x) | _judged(f"{name}.gan", x, test, space)
    return found


def _sharpness(name: str, x: Tensor) -> dict[str, float]:
    return {f"{name}.laplacian": float(laplacian(x).mean()), f"{name}.grey": float(grey(x).mean())}


def _judged(name: str, x: Tensor, test: Tensor, space: FeatureSpace) -> dict[str, float]:
    scores = judge(x, test, features=space, baselines=False)
    return {f"{name}.{metric}": scores[metric].value for metric in JUDGED}


def trained(name: str, data: Dataset, steps: int, seed: int, **options: Any) -> Model:
    """What a recipe comes to after so many steps."""
    torch.manual_seed(seed)
    made, facts = recipe(name), facts_of(data)
    settings = made.fitting(made.Settings(data=data.name, device="cpu", seed=seed, steps=steps, **options), facts)
    model = made.build(settings, facts)
    for _ in train(
        model.learner.method,
        batches(data.train, settings.batch_size, seed=seed, steps=steps),
        model.learner.optimisers,
    ):
        model.learner.after()
    model.learner.method.eval()
    return model


def _less(a: str, b: str, n: Numbers) -> bool:
    return n[f"{a}.laplacian"] < n[f"{b}.laplacian"]


def _fewer(name: str, n: Numbers) -> bool:
    return n[f"{name}.gan.recall"] < n[f"{name}.vae16.recall"]


def claims(names: tuple[str, ...]) -> tuple[Claim, ...]:
    """Decoder means are blurrier than data, and the smaller the code the blurrier."""
    rows = []
    for name in names:
        must: tuple[Scale, ...] = ("laptop", "gpu")
        rows += [
            Claim(f"{name}: Laplacian energy of means of VAE draws, 16 latents", f"{name}.vae16.laplacian", "blurred",
                  f"{name}.data.laplacian", for_each(partial(_less, f"{name}.vae16", f"{name}.data")), must),
            *(
                Claim(f"… {d} latents (baseline: 16)", f"{name}.vae{d}.laplacian", None, f"{name}.vae16.laplacian",
                      for_each(partial(_less, f"{name}.vae{d}", f"{name}.vae16")), ())
                for d in CODES[:-1]
            ),
            Claim(f"{name}: … of what test images are reconstructed to, 16 latents", f"{name}.again16.laplacian",
                  "blurred", f"{name}.data.laplacian",
                  for_each(partial(_less, f"{name}.again16", f"{name}.data")), must),
            *(
                Claim(f"… {d} latents (baseline: 16)", f"{name}.again{d}.laplacian", None, f"{name}.again16.laplacian",
                      for_each(partial(_less, f"{name}.again{d}", f"{name}.again16")), must)
                for d in CODES[:-1]
            ),
            Claim("… grey share, 16 latents", f"{name}.again16.grey", None, f"{name}.data.grey"),
            Claim("… grey share, 2 latents", f"{name}.again2.grey", None, f"{name}.data.grey"),
            Claim(f"{name}: Laplacian energy of a GAN's draws", f"{name}.gan.laplacian", "sharp",
                  f"{name}.vae16.laplacian",
                  for_each(partial(_less, f"{name}.vae16", f"{name}.gan")), ()),
            Claim("… recall of the GAN", f"{name}.gan.recall", "options missing", f"{name}.vae16.recall",
                  for_each(partial(_fewer, name)), ()),
            Claim("… precision of the GAN", f"{name}.gan.precision", None, f"{name}.vae16.precision"),
            Claim("… Fréchet distance of the GAN", f"{name}.gan.frechet", None, f"{name}.vae16.frechet"),
        ]  # fmt: skip
    return tuple(rows)
