"""Card: likelihood is not sample quality, and which divergence covers and which seeks.

    p = 0.01 p_good + 0.99 p_noise,   0 < E log p_good − E log p ≤ log 100                            (1)
    Parzen's memoriser of width h: as h → 0 the training log-likelihood grows and that of the test falls, without bound
    the Gaussian nearest to w N(−s, 0.7²) + (1 − w) N(s, 0.7²), by KL, reverse KL and JSD

Pixels have uniform noise of a level's width, so that all densities are those of one continuous law, which no constant
pixel makes infinite.

Lucas Theis, Aäron van den Oord, Matthias Bethge. A note on the evaluation of generative models. 2016.
https://arxiv.org/abs/1511.01844
Ferenc Huszár. How (not) to train your generative model. 2015. https://arxiv.org/abs/1511.05101
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import combinations
from statistics import fmean
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Adam

from likeness.core import train
from likeness.data import Dataset, InMemory, batches, load, whole
from likeness.density import KDE, InSubspace, Mixture, kde
from likeness.judge import FeatureSpace, classifier, judge
from likeness.judge.features import features_of
from likeness.judge.frechet import frechet_distance
from likeness.papers import _blur, _divergences
from likeness.papers._shelf import there
from likeness.papers.card import SCALES, Card, Claim, Numbers, Scale, for_each
from likeness.sampling import Streams

FLOORS = (1e-3, 1e-2, 3e-2, 1e-1)  # of a mixture's variances
SHARE = 0.01  # of the good model in the mixture
WIDTHS = (0.4, 0.2, 0.1, 0.02, 0.002)  # of the memoriser's kernels, in units of images in [-1, 1]
HONEST = ("good", "gaussian", "cured")
LEVELS = {"digits": 17, "mnist": 256}


class Budget(NamedTuple):
    """Sets of images, training images of each at most, steps of the networks for blur and of the bandwidths."""

    names: tuple[str, ...]
    limit: int
    blur: Mapping[str, _blur.Steps]
    bandwidth: int


BUDGETS: dict[Scale, Budget] = {
    "quick": Budget(("digits",), 1000, {"digits": _blur.Steps(300, 0)}, 60),
    "laptop": Budget(
        ("digits", "mnist"), 4000, {"digits": _blur.Steps(2000, 1000), "mnist": _blur.Steps(600, 600)}, 200
    ),
    "gpu": Budget(
        ("digits", "mnist"), 50_000, {"digits": _blur.Steps(20_000, 20_000), "mnist": _blur.Steps(20_000, 20_000)}, 500
    ),
}


class Images(NamedTuple):
    """Dequantised vectors of training and test images, features to judge in, and what a pixel's range is."""

    name: str
    event: tuple[int, ...]
    train: Float[Tensor, "n d"]
    test: Float[Tensor, "m d"]
    validation: Float[Tensor, "v d"]
    space: FeatureSpace
    reach: float


def measure(seed: int, scale: Scale) -> Numbers:
    budget = BUDGETS[scale]
    found = _divergences.gaussians()
    for name in (n for n in budget.names if n in names()):
        data = load(name, seed=seed, limit=budget.limit)
        images = of(data, seed)
        found |= {f"{name}.{key}": value for key, value in densities(images, budget.bandwidth, seed).items()}
        found |= _blur.measure(name, data, images.space, budget.blur[name], seed)
    return found


def names() -> tuple[str, ...]:
    """The sets of images there are: digits is built in; MNIST counts where LIKENESS_DATA names its folder."""
    return ("digits", *(("mnist",) if there("mnist") else ()))


def of(data: Dataset, seed: int) -> Images:
    """Half of the training images teach the features, models learn from the other half."""
    learned, test = whole(data.train), whole(data.test, 2000)
    assert learned.y is not None
    taught, known = learned.x.tensor_split(2)
    space = classifier(taught, learned.y[: len(taught)], seed=seed)
    step = 2 / (LEVELS[data.name] - 1)

    def noisy(x: Tensor, part: str) -> Tensor:
        flat = x.flatten(1)
        return flat + step * (Streams(seed).split("dequantise", part).uniform(*flat.shape) - 0.5)

    held = noisy(test.x, "test"), noisy(whole(data.validation, 2000).x, "validation")
    return Images(data.name, data.event, noisy(known, "train"), *held, space, 1 + step / 2)


# ------------------------------------------------------------------------------------- images


class Model(NamedTuple):
    """Something with a density and draws, vectors (n, d)."""

    log_prob: Callable[[Tensor], Tensor]
    sample: Callable[..., Tensor]


def densities(images: Images, bandwidth: int, seed: int) -> dict[str, float]:
    """Log-likelihood (nats) and Fréchet distance of every model, and how often these two disagree on who is better."""
    good = mixture(images, 10, seed)
    models = {
        "good": good,
        "noise": diluted(good, images, seed),
        "gaussian": mixture(images, 1, seed),
        "cured": cured(images, bandwidth, seed),
        "memoriser": memoriser(images, WIDTHS[-1], seed),
    }
    n, found = len(images.test), {"per_dim": 0.0}
    real = _features(images, images.test)
    for name, model in models.items():
        x = model.sample(n, generator=seed).float()
        with torch.no_grad():
            found[f"{name}.nats"] = float(model.log_prob(images.test).double().mean())
        found[f"{name}.frechet"] = float(frechet_distance(_features(images, x), real))
    found["gap"] = found["good.nats"] - found["noise.nats"]
    found["per_dim"] = found["gap"] / images.test.shape[1]
    found["copied"] = memorised(images, models["memoriser"].sample(n, generator=seed).float())
    found["cured.copied"] = memorised(images, models["cured"].sample(n, generator=seed).float())
    found["fresh.frechet"] = float(frechet_distance(_features(images, images.train[:n]), real))
    disagree = [
        (found[f"{a}.nats"] > found[f"{b}.nats"]) == (found[f"{a}.frechet"] > found[f"{b}.frechet"])
        for a, b in combinations(models, 2)
    ]
    return found | {"disagree": sum(disagree) / len(disagree)} | widths(images)


def mixture(images: Images, k: int, seed: int) -> Model:
    """Gaussians with full covariances, of the floor of their variances that makes validation images likeliest."""
    tried = [_mixture(images, k, floor, seed) for floor in FLOORS]
    return max(tried, key=lambda model: float(model.log_prob(images.validation).detach().mean()))


def _mixture(images: Images, k: int, floor: float, seed: int) -> Model:
    """On principal components where there are many pixels."""
    d = images.train.shape[1]
    few = min(d, 64)
    made = Mixture(few, (k,), floor=floor, tries=1, seed=seed)
    if few == d:
        made.start(images.train)
        return Model(made.log_prob, made.sample)
    inside = InSubspace(made, (d,), few)
    inside.start(images.train)
    made.start(inside.encode(images.train))
    return Model(inside.log_prob, inside.sample)


def diluted(good: Model, images: Images, seed: int) -> Model:
    """One draw in a hundred from the good model, the others uniform noise."""
    d, reach = images.train.shape[1], images.reach
    uniform = -d * math.log(2 * reach)

    def log_prob(x: Tensor) -> Tensor:
        known = good.log_prob(x).double() + math.log(SHARE)
        return torch.logaddexp(known, torch.full_like(known, uniform + math.log1p(-SHARE)))  # (1)

    def sample(n: int, *, generator: int) -> Tensor:
        source = Streams(generator).split("dilute")
        noise = reach * (2 * source.uniform(n, d) - 1)
        return torch.where(source.uniform(n, 1) < SHARE, good.sample(n, generator=generator), noise)

    return Model(log_prob, sample)


def memoriser(images: Images, h: float, seed: int) -> Model:
    """Parzen's density with kernels of one width on all training images."""

    def sample(n: int, *, generator: int) -> Tensor:
        source = Streams(generator)
        return images.train[source.integers(n, len(images.train))] + h * source.normal(n, images.train.shape[1])

    return Model(partial(parzen, points=images.train, h=h), sample)


def parzen(x: Tensor, points: Tensor, h: float) -> Tensor:
    width = torch.full((points.shape[1],), h, dtype=torch.float64)
    used = torch.ones(len(points), dtype=torch.bool)
    return torch.cat([kde.log_density(part.double(), points.double(), width, used) for part in x.split(500)])


def cured(images: Images, steps: int, seed: int) -> Model:
    """The same kernels, their widths by the likelihood of the images that are left out."""
    made = KDE(images.train.shape[1], len(images.train))
    size = len(images.train) // max(1, len(images.train) // 250)
    split = InMemory(images.train)
    for _ in train(made, batches(split, size, seed=seed, steps=steps), Adam(made.parameters(), 0.05)):
        pass
    return Model(made.log_prob, made.sample)


def widths(images: Images) -> dict[str, float]:
    """Training and test log-likelihood of the memoriser by its width, and whether they rise and fall strictly."""
    told = {part: [float(parzen(x[:1000], images.train, h).mean()) for h in WIDTHS]
            for part, x in (("train", images.train), ("test", images.test))}  # fmt: skip
    found = {f"h{h}.{part}": value for part, values in told.items() for h, value in zip(WIDTHS, values)}
    rises = all(a < b for a, b in zip(told["train"], told["train"][1:]))
    falls = all(a > b for a, b in zip(told["test"], told["test"][1:]))
    return found | {"rises": float(rises), "falls": float(falls), "best": max(told["test"])}


def memorised(images: Images, x: Tensor) -> float:
    """The judge's memorisation: ½ is fresh, 1 is copied; on pixels, where copies are told without a classifier."""
    scores = judge(x, images.test, train=images.train, baselines=False)
    return scores["memorisation"].value


def _features(images: Images, x: Tensor) -> Tensor:
    return features_of(images.space, x.unflatten(1, images.event).clamp(-1, 1))


# ------------------------------------------------------------------------------------- what is claimed


def passes(k: str, seeds: Sequence[Numbers]) -> bool:
    """Over the seeds, a few hundred draws each, the memoriser's Fréchet distance is below every honest model's."""
    mean = {m: fmean(n[f"{k}.{m}.frechet"] for n in seeds) for m in ("memoriser", *HONEST)}
    return min(mean, key=lambda m: mean[m]) == "memoriser"


def _images(k: str) -> tuple[Claim, ...]:
    must = SCALES if k == "digits" else SCALES[1:]
    return (
        Claim(f"{k}: nats lost by 99 % noise (at most log 100 = 4.605)", f"{k}.gap", "≤ 4.605", None,
              for_each(lambda n: 0 < n[f"{k}.gap"] <= math.log(100)), must),
        Claim("… a dimension", f"{k}.per_dim", "→ 0", None, for_each(lambda n: n[f"{k}.per_dim"] < 0.08), must),
        Claim("… log-likelihood (baseline: the good model)", f"{k}.noise.nats", None, f"{k}.good.nats"),
        Claim("… Fréchet distance of its draws", f"{k}.noise.frechet", "99 % noise", f"{k}.good.frechet",
              for_each(lambda n: n[f"{k}.noise.frechet"] > 4 * n[f"{k}.good.frechet"]), must),
        Claim(f"{k}: memoriser, training log-likelihood at its narrowest", f"{k}.h{WIDTHS[-1]}.train", "→ ∞",
              f"{k}.h{WIDTHS[1]}.train", for_each(lambda n: n[f"{k}.rises"] == 1), must),
        Claim("… test log-likelihood (baseline: its best width)", f"{k}.memoriser.nats", "→ −∞", f"{k}.best",
              for_each(lambda n: n[f"{k}.falls"] == 1), must),
        Claim("… Fréchet distance of its draws, below every honest model's (means over seeds)",
              f"{k}.memoriser.frechet", "perfect", f"{k}.good.frechet", partial(passes, k), must),
        Claim("… of training images, none twice (baseline: the memoriser)", f"{k}.fresh.frechet", None,
              f"{k}.memoriser.frechet"),
        Claim("… memorisation (½ is fresh, 1 is copied)", f"{k}.copied", None, f"{k}.cured.copied",
              for_each(lambda n: n[f"{k}.copied"] > 0.95), must),
        Claim("… cured by held-out likelihood: test log-likelihood", f"{k}.cured.nats", None, f"{k}.best",
              for_each(lambda n: n[f"{k}.cured.nats"] > n[f"{k}.best"]), SCALES[1:] if k == "digits" else SCALES[2:]),
        Claim(f"{k}: share of pairs of models that likelihood and Fréchet distance order differently",
              f"{k}.disagree", "unrelated", None, for_each(lambda n: n[f"{k}.disagree"] > 0)),
    )  # fmt: skip


CARD = Card(
    "likelihood-vs-samples",
    "A note on the evaluation of generative models",
    "https://arxiv.org/abs/1511.01844",
    "A mixture of ten Gaussians with full covariances is diluted with 99 % uniform noise: its log-likelihood falls by "
    "less than log 100, whatever the dimension, and its draws are noise. A memoriser (kernels on the training images) "
    "draws ever more perfect images as its width goes to zero and gives unseen ones ever less likelihood; Fréchet "
    "distance lets it pass and the distance to the training images does not. Widths by the likelihood of images left "
    "out are the cure; the 784 widths of MNIST take more steps than are spent on them here, and do not get there on "
    "every seed. Then the Gaussian nearest to two modes: KL covers, reverse KL seeks once they are apart, JSD "
    "covers near modes and seeks separated ones, sooner where these are unequal. Last the blur of decoder means by the "
    "size of the code, with a GAN beside: the verdict is on reconstructions, as draws of small codes show artefacts of "
    "a short training as well. Pixels of densities carry noise of a level's width; log-likelihoods are in nats.",
    measure,
    tuple(claim for k in names() for claim in _images(k)) + _divergences.claims() + _blur.claims(names()),
)
