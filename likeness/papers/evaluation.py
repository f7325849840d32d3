"""Card: what each measure of samples sees and what it does not, on digits and on the one-dimensional pairs.

Every set of samples in the table has a known fault, so that a measure can be held against it. A third of the data
trains the classifier behind the features, a third is what the models may learn from, a third is seen by nobody.

Lucas Theis, Aäron van den Oord, Matthias Bethge. A note on the evaluation of generative models. 2016.
https://arxiv.org/abs/1511.01844
Tim Salimans et al. Improved Techniques for Training GANs. 2016. https://arxiv.org/abs/1606.03498
Mehdi S. M. Sajjadi et al. Assessing Generative Models via Precision and Recall. 2018.
https://arxiv.org/abs/1806.00035
Mikołaj Bińkowski et al. Demystifying MMD GANs. 2018. https://arxiv.org/abs/1801.01401
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import fmean, stdev
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from likeness.data import load, whole
from likeness.judge import FeatureSpace, classifier, judge
from likeness.judge.baselines import memoriser, noise
from likeness.judge.features import features_of
from likeness.judge.frechet import frechet, frechet_distance
from likeness.papers import _two_samples
from likeness.papers._feature_spaces import REAL, spaces, standing_out
from likeness.papers.card import SCALES, Card, Claim, Grid, Numbers, Scale, Verdict, for_each

DIGITS: tuple[Scale, ...] = ("quick", "laptop")  # the scales at which images are digits
METRICS = ("inception", "frechet", "precision", "recall", "memorisation")


class Budget(NamedTuple):
    """The images, how many of them at most, draws of each set, and passes of the encoder that sees no labels.

    Of the tests samples, repeats, and steps.
    """

    data: str
    limit: int | None
    draws: int
    epochs: int
    n: int
    repeats: int
    steps: int


BUDGETS: dict[Scale, Budget] = {
    "quick": Budget("digits", None, 2, 5, 1000, 40, 600),
    "laptop": Budget("digits", None, 10, 60, 1000, 200, 4000),
    "gpu": Budget("fashion_mnist", 30_000, 10, 60, 1000, 1000, 20_000),
}


class Parts(NamedTuple):
    """Three thirds of the images, none of which is in another, and features from the first."""

    taught: Tensor
    space: FeatureSpace
    train: Tensor
    labels: Tensor
    fresh: Tensor


def measure(seed: int, scale: Scale) -> Numbers:
    budget = BUDGETS[scale]
    parts = thirds(budget, seed)
    images = table(parts, budget.draws, seed) | sizes(parts, budget.draws, seed)
    seen = spaces(parts.taught, parts.space, epochs=budget.epochs, seed=seed)
    images |= {f"spaces.{k}": v for k, v in standing_out(seen, drawn(parts, budget.draws, seed)).items()}
    return images | _two_samples.measure(budget.n, budget.repeats, budget.steps, seed)


def thirds(budget: Budget, seed: int) -> Parts:
    data = load(budget.data, seed=seed, limit=budget.limit)
    batches = [whole(split, budget.limit) for split in (data.train, data.validation, data.test)]
    x, y = torch.cat([b.x for b in batches]), torch.cat([b.y for b in batches if b.y is not None])
    (taught, train, fresh), (taught_y, labels, _) = x.tensor_split(3), y.tensor_split(3)
    return Parts(taught, classifier(taught, taught_y, seed=seed), train, labels, fresh)


def faulty(parts: Parts, real: Tensor, seed: int) -> dict[str, Tensor]:
    """Sets of samples by name, the last ones made from held-out real images."""
    n, shape, train = len(real), real.shape[1:], parts.train
    generator = torch.Generator().manual_seed(seed)
    return {
        "copies": memoriser(train, n, seed=seed),
        "mixture": mixture(train, n, seed),
        "five": train[parts.labels < 5][:n],
        "same": train[:1].expand(n, *shape),
        "uniform": noise(train, n, seed=seed),
        "blur": avg_pool2d(pad(real, (1, 1, 1, 1), value=-1.0), 3, 1),
        "noise": real + 0.8 * torch.randn(real.shape, generator=generator),
    }


def mixture(train: Tensor, n: int, seed: int) -> Tensor:
    """An honest simple model: ten Gaussians with full covariances, in a random order."""
    from sklearn.mixture import GaussianMixture

    fitted = GaussianMixture(10, reg_covar=1e-3, random_state=seed).fit(train.flatten(1).double().numpy())
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    return torch.from_numpy(fitted.sample(n)[0]).float()[order].unflatten(1, train.shape[1:])


def drawn(parts: Parts, draws: int, seed: int) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
    """Real images as a reference, and every set by name, in each draw."""
    for r in range(draws):
        order = torch.randperm(len(parts.fresh), generator=torch.Generator().manual_seed(draws * seed + r))
        reference, real = parts.fresh[order].tensor_split(2)
        yield reference, {REAL: real, **faulty(parts, real, draws * seed + r)}


def table(parts: Parts, draws: int, seed: int) -> dict[str, float]:
    """Every metric of every set, means over draws, and its standard deviation between draws of real images."""
    values: dict[str, list[float]] = defaultdict(list)
    for r, (reference, sets) in enumerate(drawn(parts, draws, seed)):
        for name, samples in sets.items():
            scores = judge(samples, reference, train=parts.train, features=parts.space, baselines=False, seed=r)
            for metric in METRICS:
                values[f"{name}.{metric}"].append(scores[metric].value)
            product = scores["sharpness"].value * scores["diversity"].value
            values["factors"].append(abs(product / one_formula(parts, samples) - 1))
    spread = {f"{key}.sd": stdev(v) for key, v in values.items() if key.startswith("real.")}
    return {key: fmean(v) for key, v in values.items()} | spread


def one_formula(parts: Parts, samples: Tensor) -> float:
    """Inception score as it is defined: exp of the mean KL(c(y|x) ‖ c(y))."""
    assert parts.space.probabilities is not None
    c = parts.space.probabilities(features_of(parts.space, samples)).double()
    return float((torch.xlogy(c, c) - torch.xlogy(c, c.mean(0))).sum(1).mean().exp())


def sizes(parts: Parts, draws: int, seed: int) -> dict[str, float]:
    """Fréchet distances of two sets from one distribution, whose true distance is zero, by the size of the sets."""
    features = features_of(parts.space, torch.cat((parts.train, parts.fresh)))
    generator = torch.Generator().manual_seed(seed)

    def two(n: int) -> tuple[Tensor, Tensor]:
        order = torch.randperm(len(features), generator=generator)
        return features[order[:n]], features[order[n : 2 * n]]

    distances = {f"frechet{n}": fmean(frechet_distance(*two(n)) for _ in range(draws)) for n in (50, 100, 200, 400)}
    return distances | {"extrapolated": fmean(frechet(*two(200)).extrapolated[0] for _ in range(draws))}


def passes(metric: str, sign: int = 1) -> Verdict:
    """Over all seeds copies fare as held-out real images do, by less than one draw of those differs from another."""

    def holds(seeds: Sequence[Numbers]) -> bool:
        behind = fmean(sign * (n[f"real.{metric}"] - n[f"copies.{metric}"]) for n in seeds)
        return behind < fmean(n[f"real.{metric}.sd"] for n in seeds)

    return holds


COPIES = (
    Claim("copies of training images: Inception score (1 to 10)", "copies.inception", "very good", "real.inception",
          passes("inception")),
    Claim("copies: Fréchet distance", "copies.frechet", "very good", "real.frechet", passes("frechet", -1)),
    Claim("copies: precision", "copies.precision", "punished", "real.precision", passes("precision")),
    Claim("copies: recall", "copies.recall", None, "real.recall", passes("recall")),
    Claim("copies: memorisation (½ is fresh, 1 is copied)", "copies.memorisation", None, "real.memorisation",
          for_each(lambda n: n["copies.memorisation"] > 0.95 and 0.4 < n["real.memorisation"] < 0.6), SCALES),
    Claim("mixture of ten Gaussians: Fréchet distance", "mixture.frechet", None, "real.frechet"),
    Claim("mixture of ten Gaussians: memorisation", "mixture.memorisation", None, "real.memorisation",
          for_each(lambda n: n["mixture.memorisation"] < 0.6)),
)  # fmt: skip

FAULTS = (
    Claim("3×3 blur: Fréchet distance", "blur.frechet", "ruined", "noise.frechet",
          for_each(lambda n: n["blur.frechet"] > 2 * n["noise.frechet"]), DIGITS),
    Claim("strong noise: precision", "noise.precision", None, "real.precision"),
    Claim("five classes of ten: Inception score", "five.inception", "5", "real.inception",
          lambda seeds: abs(fmean(n["five.inception"] for n in seeds) - 5) < 0.5, DIGITS[1:]),
    Claim("five classes of ten: precision", "five.precision", None, "real.precision",
          for_each(lambda n: n["five.precision"] > n["real.precision"] - 0.05)),
    Claim("five classes of ten: recall", "five.recall", "lower", "real.recall",
          for_each(lambda n: n["five.recall"] < 0.8 * n["real.recall"])),
    Claim("one image repeated: Inception score", "same.inception", "1", "real.inception",
          for_each(lambda n: abs(n["same.inception"] - 1) < 0.01)),
    Claim("one image repeated: recall", "same.recall", "0", "real.recall", for_each(lambda n: n["same.recall"] < 0.01)),
    Claim("uniform noise: Inception score", "uniform.inception", None, "real.inception"),
    Claim("Inception score against sharpness × diversity, relative", "factors", "0", None,
          for_each(lambda n: n["factors"] < 1e-6), SCALES),
    Claim("one distribution twice, 50 samples: Fréchet distance", "frechet50", "above 0", "frechet400",
          for_each(lambda n: n["frechet50"] > 2 * n["frechet400"])),
    Claim("one distribution twice, 200 samples, extrapolated", "extrapolated", "0", "frechet200",
          for_each(lambda n: abs(n["extrapolated"]) < 0.5 * n["frechet200"]), DIGITS[1:]),
)  # fmt: skip

SPACES = {
    "spaces.classifier": "classifier of other digits",
    "spaces.contrast": "contrast, no labels",
    "spaces.untrained": "untrained network",
    "spaces.pixels": "pixels",
}
SEEN = {
    "copies": "copies",
    "mixture": "mixture",
    "blur": "3×3 blur",
    "noise": "strong noise",
    "five": "five classes",
    "uniform": "uniform noise",
}


def stands_out(key: str) -> Verdict:
    return for_each(lambda n: n[key] >= 3)


OUT = (
    *(
        Claim(f"Fréchet distance in features {words}: sd above real, {SEEN[fault]}; 3 or more",
              f"{name}.{fault}", None, f"spaces.pixels.{fault}", stands_out(f"{name}.{fault}"), DIGITS[1:])
        for name, words in (("spaces.classifier", "of a classifier"), ("spaces.contrast", "without labels"))
        for fault in ("blur", "noise", "five")
    ),
    Claim("… in features without labels: a mixture of ten Gaussians, more than by a classifier",
          "spaces.contrast.mixture", None, "spaces.classifier.mixture",
          for_each(lambda n: n["spaces.contrast.mixture"] > n["spaces.classifier.mixture"]), ()),
)  # fmt: skip

CARD = Card(
    "evaluation",
    "Evaluating samples: what each measure sees and what it does not",
    "https://arxiv.org/abs/1511.01844",
    "Sets of digits with known faults, by the features of a classifier that was taught on other digits; beside them "
    "real digits. Copies of the training set pass for real by Inception score, Fréchet distance, precision and "
    "recall (which was said to catch them); the distance to the training set alone exposes them. A slight blur costs "
    "more Fréchet distance than strong noise, on images as small as these; features that were learned without labels "
    "see both alike, and the mixture of Gaussians, which a classifier takes for real (first table: standard deviations "
    "of real draws above their mean). Dropped classes do not show in precision, they do in recall. Then tests of two "
    "samples: mean and variance miss a difference in shape, which Kolmogorov and Smirnov's test, a kernel and a "
    "classifier see. Bartlett's test is exact for Gaussians only; the classifier's is conservative, because its "
    "held-out half has as many samples of either kind.",
    measure,
    COPIES + FAULTS + OUT + _two_samples.CLAIMS,
    Grid(SPACES, SEEN),
)
