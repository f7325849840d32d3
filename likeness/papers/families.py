"""Card: every family on one data set, by one command, one protocol and one table.

Each recipe is trained as `likeness train` does it, its checkpoint chosen on validation data, for its own number of
steps or the same processor time for all, whichever ends first. What a family says of rounded pixels is in bits per
dimension: a probability of the levels as it is, a density by uniform noise of a level's width, which is a bound.

Aäron van den Oord, Nal Kalchbrenner, Koray Kavukcuoglu. Pixel Recurrent Neural Networks. 2016.
https://arxiv.org/abs/1601.06759
Lucas Theis, Aäron van den Oord, Matthias Bethge. A Note on the Evaluation of Generative Models. 2016.
https://arxiv.org/abs/1511.01844
"""

import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.bits import levels_of
from likeness.data import Dataset, load, whole
from likeness.judge import FeatureSpace, judge
from likeness.judge.blur import laplacian_energy
from likeness.papers._shelf import there
from likeness.papers.card import Card, Claim, Grid, Numbers, Scale, Verdict, for_each
from likeness.recipes.common import Model, recipe
from likeness.recipes.pipeline import begin, reopen, training
from likeness.recipes.spaces import space_for
from likeness.sampling import draw

FASHION = "fashion_mnist"
DENSITY = ("log_prob", "log_prob_kind", "levels")  # what the judge is told of a model


class Family(NamedTuple):
    """A recipe, what of its settings is not the default, and what kind its likelihood is in words."""

    recipe: str
    likelihood: str = ""
    given: Mapping[str, Any] = {}


FAMILIES = {
    "mixture": Family("mixture", "exact"),
    "kde": Family("kde", "exact"),
    "nsf": Family("flow", "exact", {"family": "nsf"}),
    "glow": Family("flow", "exact", {"family": "glow"}),
    "pixelcnn": Family("pixelcnn", "exact"),
    "vae": Family("vae", "bound"),
    "ladder": Family("vae", "bound", {"hierarchy": 3}),
    "exemplar": Family("exemplar-vae", "bound"),
    "wae": Family("wae"),
    "autoencoder": Family("autoencoder", "", {"judge_every": 50}),  # codes have a density from the first one on
    "gan": Family("gan"),
    "diffusion": Family("diffusion", "bound"),
}
WORDS = {
    "mixture": "Gaussian mixture",
    "kde": "kernel density",
    "nsf": "spline flow on principal components",
    "glow": "Glow",
    "pixelcnn": "PixelCNN",
    "vae": "VAE",
    "ladder": "VAE of three levels",
    "exemplar": "Exemplar VAE",
    "wae": "WAE",
    "autoencoder": "autoencoder, mixture of codes",
    "gan": "GAN",
    "diffusion": "diffusion",
    "real": "held-out data",
}
MEASURES = {
    "bits": "bits/dim",
    "frechet": "Fréchet",
    "frechet.low": "… from",
    "frechet.high": "… to",
    "precision": "precision",
    "recall": "recall",
    "memorisation": "memorisation",
    "sharpness": "sharpness",
    "draw": "s for 1 000 draws",
    "train": "s of training",
}


class Budget(NamedTuple):
    """The data, at most so many training samples, seconds of training, share of a recipe's steps, and draws judged."""

    data: str
    limit: int | None
    seconds: float
    steps: int | None
    draws: int


BUDGETS: dict[Scale, tuple[Budget, ...]] = {
    "quick": (Budget("digits", None, 3, 60, 300),),
    "laptop": (Budget("digits", None, 30, None, 1000), Budget(FASHION, 10_000, 20, None, 1000)),
    "gpu": (Budget(FASHION, None, 3600, 100_000, 10_000),),
}


def budgets(scale: Scale) -> list[Budget]:
    """Of these data sets those that there are: digits are built in, the others lie where LIKENESS_DATA says."""
    return [b for b in BUDGETS[scale] if b.data == "digits" or there(b.data)]


class Ground(NamedTuple):
    """What families are trained and judged on."""

    data: Dataset
    space: FeatureSpace
    budget: Budget
    seed: int
    device: str


def measure(seed: int, scale: Scale) -> Numbers:
    device = "cuda" if scale == "gpu" and torch.cuda.is_available() else "cpu"
    found: dict[str, float] = {}
    for budget in budgets(scale):
        data = load(budget.data, seed=seed, limit=budget.limit)
        ground = Ground(data, space_for("classifier", data, seed, device), budget, seed, device)
        rows = {name: of(family, ground) for name, family in FAMILIES.items()} | {"real": real(ground)}
        found |= {f"{budget.data}.{name}.{key}": value for name, row in rows.items() for key, value in row.items()}
    return found


def of(family: Family, ground: Ground) -> dict[str, float]:
    """One family's row of the table."""
    model, seconds = trained(family, ground)
    n, began = ground.budget.draws, time.process_time()
    x = draw(model.sampler, n, generator=ground.seed)
    return {"draw": (time.process_time() - began) * 1000 / n, "train": seconds} | scores(x, ground, model)


def trained(family: Family, ground: Ground) -> tuple[Model, float]:
    """The model of the best checkpoint, and the processor's seconds of its training."""
    data, space, budget, seed, device = ground
    given = dict(family.given)
    if budget.steps and "judge_every" in given:
        given["judge_every"] = min(given["judge_every"], budget.steps)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        settings = recipe(family.recipe).Settings(
            data.name, out=out, steps=budget.steps, seed=seed, device=device, track=("none",), **given
        )
        session, began = begin(family.recipe, settings, data), time.process_time()
        for _ in training(session, data, space):
            if time.process_time() - began > budget.seconds:
                break
        return reopen(out, device=device).model, time.process_time() - began


def scores(x: Tensor, ground: Ground, model: Model | None = None) -> dict[str, float]:
    """What the judge says of draws and, where a family says anything of data, of test data; how sharp the draws are."""
    told: dict[str, Any] = {} if model is None else {name: getattr(model, name) for name in DENSITY}
    made = judge(
        x,
        whole(ground.data.test, len(x)).x,
        train=whole(ground.data.train).x,
        features=ground.space,
        baselines=False,
        seed=ground.seed,
        device=ground.device,
        **told,
    )
    found = {name: made[name].value for name in ("frechet", "precision", "recall", "memorisation")}
    found |= {"frechet.low": made["frechet"].low, "frechet.high": made["frechet"].high}
    found |= {"bits": made["bits_per_dim"].value} if "bits_per_dim" in made.metrics else {}
    return found | {"sharpness": float(laplacian_energy(x).mean())}


def real(ground: Ground) -> dict[str, float]:
    """The same of held-out data; its bits are those of pixels that know nothing of each other."""
    data, n = ground.data, ground.budget.draws
    bits = independent(whole(data.train).x, whole(data.test, n).x)
    return scores(whole(data.validation, n).x, ground) | {"bits": bits}


def independent(train: Float[Tensor, " n *event"], test: Float[Tensor, " m *event"]) -> float:
    """Bits per dimension of test data when each pixel's levels are as frequent as in training, and one more each."""
    levels = levels_of(train)
    assert levels is not None
    a, b = (((x.flatten(1) + 1) * (levels - 1) / 2).round().long() for x in (train, test))
    counts = torch.ones(a.shape[1], levels, dtype=torch.float64)
    counts.scatter_add_(1, a.T, torch.ones(a.T.shape, dtype=torch.float64))
    return float(-(counts / counts.sum(1, keepdim=True)).log2().gather(1, b.T).mean())


def everywhere(holds: Callable[[str, Numbers], bool]) -> Verdict:
    """It holds on every data set that was run, for every seed."""
    return for_each(lambda n: all(holds(d, n) for d in dict.fromkeys(key.split(".")[0] for key in n)))


def knows(name: str) -> Verdict:
    return everywhere(lambda d, n: n[f"{d}.{name}.bits"] < n[f"{d}.real.bits"])


def least(d: str, n: Numbers, key: str) -> str:
    """The family of the lowest number."""
    found = {name: n[f"{d}.{name}.{key}"] for name in FAMILIES if f"{d}.{name}.{key}" in n}
    return min(found, key=lambda name: found[name])


LAPTOP: tuple[Scale, ...] = ("laptop",)
CLAIMS = (
    *(
        Claim(f"digits, {WORDS[name]}: bits/dim ({family.likelihood}), below pixels that know nothing of each other",
              f"digits.{name}.bits", None, "digits.real.bits", knows(name), LAPTOP if name == "pixelcnn" else ())
        for name, family in FAMILIES.items() if family.likelihood
    ),
    Claim("digits, PixelCNN: seconds for 1 000 draws, five times a VAE's or more", "digits.pixelcnn.draw",
          "slow sampling", "digits.vae.draw",
          everywhere(lambda d, n: n[f"{d}.pixelcnn.draw"] > 5 * n[f"{d}.vae.draw"]), LAPTOP),
    Claim("digits, Glow: seconds for 1 000 draws, less than a PixelCNN's", "digits.glow.draw", "slow (very deep)",
          "digits.pixelcnn.draw", everywhere(lambda d, n: n[f"{d}.glow.draw"] < n[f"{d}.pixelcnn.draw"]), LAPTOP),
    Claim("digits, GAN: seconds for 1 000 draws, no more than twice a VAE's (one pass)", "digits.gan.draw", "one pass",
          "digits.vae.draw", everywhere(lambda d, n: n[f"{d}.gan.draw"] < 2 * n[f"{d}.vae.draw"]), ()),
    Claim("PixelCNN has the lowest bits/dim", "digits.pixelcnn.bits", None, "digits.glow.bits",
          everywhere(lambda d, n: least(d, n, "bits") == "pixelcnn"), ()),
    Claim("the family of the lowest bits/dim is not that of the lowest Fréchet distance", "digits.pixelcnn.frechet",
          "likelihood is not sample quality", "digits.gan.frechet",
          everywhere(lambda d, n: least(d, n, "bits") != least(d, n, "frechet")), ()),
    Claim("kernel density: the nearest to its training data of all families", "digits.kde.memorisation", None,
          "digits.real.memorisation",
          everywhere(lambda d, n: all(n[f"{d}.kde.memorisation"] >= n[f"{d}.{k}.memorisation"] for k in FAMILIES)), ()),
)  # fmt: skip

CARD = Card(
    "families",
    "Families of generative models, side by side",
    "https://arxiv.org/abs/1601.06759",
    "Every recipe with its own settings on the same data, for its own steps or half a minute of one processor (20 s "
    "on Fashion-MNIST), whichever ends first; test data are judged in the space of a classifier. Bits per "
    "dimension are exact (mixture, kernels, flows: of data with noise of a level's width, an upper bound of the bits "
    "of the pixels themselves; PixelCNN: of the pixels), or bounds (VAEs). Held-out data stand below, with the bits of "
    "pixels that know nothing of each other, which is hard to beat where many pixels never change: a density pays for "
    "the shape of the noise in each of them. WAE, autoencoder and GAN have no likelihood.",
    measure,
    CLAIMS,
    Grid({f"{d}.{k}": f"{d}: {v}" for d in ("digits", FASHION) for k, v in WORDS.items()}, MEASURES),
)
