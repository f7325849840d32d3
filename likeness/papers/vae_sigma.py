"""Card: the σ of a VAE's decoder, sum or mean of squared errors, and the collapse that the wrong one brings.

Images in [-1, 1] inside; every σ here is in the units of pixels in [0, 1], as the exercise that this settles has it.
Digits by a perceptron 64-256-128-16; MNIST in short runs, for a prediction: a mean over 784 pixels with σ = 0.1 is a
decoder with σ = 2.8, above the spread of its widest direction, so that nothing is encoded at all.

Oleh Rybkin, Kostas Daniilidis, Sergey Levine. Simple and Effective VAE Training with Calibrated Decoders. 2021.
https://arxiv.org/abs/2006.13202
James Lucas, George Tucker, Roger Grosse, Mohammad Norouzi. Don't Blame the ELBO! 2019.
https://arxiv.org/abs/1911.02469
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Adam

from likeness.core import train
from likeness.data import Dataset, batches, load, whole
from likeness.density import VAE, Gaussian, GaussianMap, Loss, effective_sigma
from likeness.density.collapse import findings, use
from likeness.density.conversion import optimal_variance, principal_variances, rescaled, used_directions
from likeness.density.likelihoods import Likelihood
from likeness.doctor.bound import elbo
from likeness.doctor.codes import posterior_of
from likeness.doctor.sigmas import Point, measured
from likeness.judge import FeatureSpace, classifier
from likeness.judge.features import features_of
from likeness.papers._shelf import there
from likeness.papers._sigma_claims import DIGITS, IMAGES, SIGMAS, TABLE
from likeness.papers.card import Card, Numbers, Scale
from likeness.sampling import Streams

MNIST = "mnist"
ARRIVES = 3000  # steps after which a learned σ has come down to where it belongs


class Budget(NamedTuple):
    """The σ that are swept and the steps of each training; what MNIST is given: images and steps, 0 leaves it out."""

    sigmas: tuple[float, ...]
    steps: int
    images: int
    image_steps: int


BUDGETS: dict[Scale, Budget] = {
    "quick": Budget((1.0, 0.5, 0.2, 0.1, 0.05), 700, 0, 0),
    "laptop": Budget(SIGMAS, 6000, 20_000, 2000),
    "gpu": Budget(SIGMAS, 20_000, 50_000, 8000),
}


def measure(seed: int, scale: Scale) -> Numbers:
    budget = BUDGETS[scale]
    device = torch.device("cuda" if scale == "gpu" and torch.cuda.is_available() else "cpu")
    found = digits(budget, seed, device)
    return found | (mnist(budget, seed, device) if budget.images and has_mnist() else {})


def has_mnist() -> bool:
    """Whether the folder of data that LIKENESS_DATA names holds it."""
    return there(MNIST)


# ------------------------------------------------------------------------------------- digits, all of it


class Study(NamedTuple):
    """Digits that are learned from and digits that are measured on, in a space of features made of the former."""

    data: Dataset
    seen: Tensor
    unseen: Tensor
    space: FeatureSpace
    known: Tensor
    steps: int
    seed: int
    device: torch.device

    def trained(self, likelihood: Likelihood, beta: float = 1.0) -> VAE:
        return learned(perceptron(likelihood, beta), self.data, self.steps, self.seed, self.device)

    def point(self, vae: VAE, sigma: float) -> Point:
        """What a model comes to, with errors and variances in the units of pixels in [0, 1]."""
        found = measured(vae, sigma, x=self.unseen, y=None, space=self.space, known=self.known, seed=self.seed)
        shift = self.unseen[0].numel() * torch.log(torch.tensor(2.0)).item()  # a density of half the range is higher
        return found._replace(
            error=found.error / 4, variance=found.variance / 4, negative_elbo=found.negative_elbo - shift
        )


def digits(budget: Budget, seed: int, device: torch.device) -> dict[str, float]:
    """The sweep, sums against means, and learned σ, on digits."""
    data = load("digits", seed=seed)
    seen, unseen = whole(data.train), torch.cat([whole(data.validation).x, whole(data.test).x])
    space = classifier(seen.x, seen.y, seed=seed)
    study = Study(data, seen.x, unseen, space, features_of(space, unseen), budget.steps, seed, device)
    variances = principal_variances(seen.x) / 4
    found = {"threshold": float(variances[0]) ** 0.5, "data.variance": float(unseen.flatten(1).var(0).sum()) / 4}
    points = {sigma: study.point(study.trained(fixed(sigma)), sigma) for sigma in budget.sigmas}
    for sigma, point in points.items():
        found |= {f"{sigma}.{key}": value for key, value in point._asdict().items() if key != "value"}
        found[f"{sigma}.linear"] = used_directions(variances, sigma)
    found |= best(points)
    return (
        found
        | written(study, float(variances[0]))
        | learned_sigma(study, min(p.negative_elbo for p in points.values()))
    )


def best(points: dict[float, Point]) -> dict[str, float]:
    """Where the bound and the draws of either kind are best."""
    keys = {"bound": "negative_elbo", "means": "means", "samples": "samples", "error": "error"}
    found = {f"best.{name}": min(points, key=lambda s: getattr(points[s], key)) for name, key in keys.items()}
    sharp, chosen = points[min(points)], points[found["best.means"]]
    return found | {"frechet.sharpest": sharp.means, "frechet.best": chosen.means, "error.best": chosen.error}


def written(study: Study, largest: float) -> dict[str, float]:
    """Losses that average, trained as they are written, and judged as the decoder that they are."""
    d, found = study.seen[0].numel(), dict[str, float]()
    for name, sigma in (("mean.0.1", 0.1), ("mean.1", 1.0), ("mean.right", 0.1 / d**0.5)):
        effective = effective_sigma(Loss(sigma, mean_error=True), d)
        vae = study.trained(AsWritten(sigma))
        vae.likelihood = fixed(effective)
        point = study.point(vae, sigma)
        found |= {f"{name}.error": point.error, f"{name}.kl": point.kl, f"{name}.variance": point.variance}
        told = findings(use(posterior_of(vae, study.unseen, None)), sigma=effective, largest=largest)
        found[f"{name}.alarm"] = float(any(f.code == "posterior-collapse" for f in told))
        found[f"{name}.named"] = float(any("instead of averaging" in f.remedy for f in told))
    return found


class AsWritten(nn.Module):
    """A loss and no likelihood: the mean of squared errors over pixels in [0, 1], by 2σ²."""

    outputs = 1

    def __init__(self, sigma: float) -> None:
        super().__init__()
        self.sigma = sigma

    def check(self, x: Tensor) -> None:
        """Any number will do."""

    def log_prob(self, x: Tensor, outputs: Tensor) -> Tensor:
        return -((x - outputs) / 2).square().flatten(1).mean(1) / (2 * self.sigma**2)

    def mean(self, outputs: Tensor) -> Tensor:
        return outputs

    def sample(self, outputs: Tensor, streams: Streams) -> Tensor:
        return outputs


def learned_sigma(study: Study, fixed_best: float) -> dict[str, float]:
    """One σ for all pixels against the error it should be, and a σ for each against every fixed one."""
    long = study._replace(steps=max(study.steps, ARRIVES))
    shared = long.trained(Gaussian(0.5, learn=True, floor=1e-3))
    rebuilt = sampled(shared, study.seen, study.seed)
    spread = float(optimal_variance(study.seen, rebuilt)) ** 0.5
    own = float(shared.likelihood.sigma.detach())  # type: ignore[attr-defined]
    by_pixel = study.trained(GaussianMap(floor=rescaled(0.01, (0, 1), (-1, 1))))
    with torch.no_grad():
        sigmas = by_pixel.likelihood.sigma(by_pixel.D(by_pixel.encode(study.unseen).mean)).mean((0, 1))  # type: ignore[attr-defined]
    return {
        "shared.sigma": rescaled(own, (-1, 1), (0, 1)),
        "shared.rmse": rescaled(spread, (-1, 1), (0, 1)),
        "shared.ratio": (own / spread) ** 2,
        "shared.negative_elbo": study.point(shared, own).negative_elbo,
        "map.negative_elbo": study.point(by_pixel, 0.0).negative_elbo,
        "map.fixed": fixed_best,
        "map.border": rescaled(float(torch.cat((sigmas[:, 0], sigmas[:, -1])).mean()), (-1, 1), (0, 1)),
        "map.middle": rescaled(float(sigmas[:, 2:6].mean()), (-1, 1), (0, 1)),
        "map.lowest": rescaled(float(sigmas.min()), (-1, 1), (0, 1)),
        "map.highest": rescaled(float(sigmas.max()), (-1, 1), (0, 1)),
    }


def fixed(sigma: float) -> Gaussian:
    """A decoder's σ in the units of pixels in [0, 1]."""
    return Gaussian(rescaled(sigma, (0, 1), (-1, 1)))


def perceptron(likelihood: Likelihood, beta: float = 1.0, d: int = 64, d_z: int = 16) -> VAE:
    """64-256-128-16-128-256-64 on images of eight by eight."""
    side, k = round(d**0.5), likelihood.outputs
    E = nn.Sequential(
        nn.Flatten(), nn.Linear(d, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 2 * d_z)
    )
    D = nn.Sequential(nn.Linear(d_z, 128), nn.ReLU(), nn.Linear(128, 256), nn.ReLU(),
                      nn.Linear(256, d * k), nn.Unflatten(1, (k, side, side)))  # fmt: skip
    return VAE(E, D, likelihood, d_z=d_z, beta=beta)


def learned(vae: VAE, data: Dataset, steps: int, seed: int, device: torch.device) -> VAE:
    """Trained by Adam, in batches of 128."""
    torch.manual_seed(seed)
    for layer in vae.modules():
        if isinstance(layer, nn.Linear):
            layer.reset_parameters()
    vae.to(device)
    for _ in train(vae, batches(data.train, 128, seed=seed, steps=steps, device=device), Adam(vae.parameters(), 1e-3)):
        pass
    return vae.eval().cpu()


def sampled(vae: VAE, x: Tensor, seed: int) -> Tensor:
    """Decoder means at draws of q(z|x): the error that a learned σ is the root of."""
    q = vae.encode(x)
    with torch.no_grad():
        return vae.decode(q.at(torch.randn(q.mean.shape, generator=torch.Generator().manual_seed(seed))))


# ------------------------------------------------------------------------------------- MNIST, a prediction


def mnist(budget: Budget, seed: int, device: torch.device) -> dict[str, float]:
    """Three losses on MNIST: the mean with σ = 0.1, and sums on either side of the threshold of a linear VAE."""
    data = load(MNIST, seed=seed, limit=budget.images)
    seen, unseen = whole(data.train).x, whole(data.test, 2000).x
    variances = principal_variances(seen) / 4
    edge = float(variances[0]) ** 0.5
    found = {"mnist.threshold": edge, "mnist.sigma": effective_sigma(Loss(0.1, mean_error=True), 784)}
    for name, sigma in (("mean", found["mnist.sigma"]), ("above", 1.15 * edge), ("below", 0.6 * edge), ("sum", 0.1)):
        vae = learned(perceptron(fixed(sigma), d=784, d_z=20), data, budget.image_steps, seed, device)
        found[f"mnist.{name}.kl"] = use(posterior_of(vae, unseen, None)).nats
        found[f"mnist.{name}.sigma"] = sigma
        found[f"mnist.{name}.negative_elbo"] = -float(elbo(vae, unseen).mean()) - 784 * 0.6931471805599453
    return found


CARD = Card(
    "vae-sigma",
    "The σ of a VAE's decoder: sums, means and posterior collapse",
    "https://arxiv.org/abs/2006.13202",
    "A mean of squared errors over pixels multiplies the KL by their number: σ = 0.1 becomes 0.8 on 64 pixels and 2.8 "
    "on 784. Above the root of the largest principal variance nothing is encoded, and the alarm names the cause. A "
    "learned σ is the root of the training error, and a σ for each pixel gives the best bound. Reconstructions improve "
    "as σ falls while draws from the prior get worse again: who looks at the one and who looks at the other are "
    "both right. What stands as published is what the linear theory predicts; pixels and σ are in the units of [0, 1]. "
    "MNIST is run where LIKENESS_DATA names its folder: short trainings that test what "
    "the linear threshold predicts.",
    measure,
    DIGITS + (IMAGES if has_mnist() else ()),
    TABLE,
)
