"""A classifier trained on the user's own labels: its last hidden layer as features, its softmax for Inception scores.

The samples it is trained on should not be those that the memoriser returns: a classifier is surer of the samples it
has seen, which flatters copies of them. A fifth of the samples is held out to say how accurate it is and how well its
probabilities are calibrated, by the expected calibration error over ten bins of confidence:
    ECE = Σ_b n_b/n · |accuracy in b − mean confidence in b|                             (1)

Chuan Guo, Geoff Pleiss, Yu Sun, Kilian Q. Weinberger. On Calibration of Modern Neural Networks. 2017.
https://arxiv.org/abs/1706.04599
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from likeness.errors import InputError
from likeness.findings import Finding
from likeness.judge.features import FeatureSpace
from likeness.judge.protocol import weights_hash
from likeness.spread import alike

UNCALIBRATED = 0.1
INACCURATE = 0.2  # of the way from guessing to certainty


class Classifier(nn.Module):
    """`body` makes features of standardised samples, `head` makes logits of features."""

    mean: Tensor
    std: Tensor

    def __init__(self, body: nn.Module, head: nn.Linear, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.body, self.head = body, head
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, x: Tensor) -> Tensor:
        return self.body((x.float() - self.mean) / self.std)

    def probabilities(self, features: Tensor) -> Tensor:
        """`(n, classes)` of features `(n, d)`, wherever those lie."""
        self.head.to(features.device)
        with torch.no_grad():
            return self.head(features).softmax(1)


def classifier(
    x: Tensor, y: Tensor | None = None, *, features: int = 64, steps: int = 600, seed: int = 0,
    device: torch.device | str = "cpu",
) -> FeatureSpace:  # fmt: skip
    """Train a small network on samples `x` (n, *event) with labels `y` (n,): convolutional for images of 16 and more.

    Raises:
        InputError: there are no labels, of fewer than two kinds, or other in number than the samples.
    """
    if y is None or len(y) != len(x):
        raise InputError(f"a classifier needs a label for each of {len(x)} samples, got {0 if y is None else len(y)}")
    if (classes := int(y.max()) + 1) < 2 or int(y.min()) < 0:
        raise InputError(f"a classifier needs labels 0, 1, …, got {int(y.min())} to {int(y.max())}: add a second class")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        order = torch.randperm(len(x))
        held, rest = order[: len(x) // 5], order[len(x) // 5 :]
        network = _build(x[rest], classes, features).to(device)
        _train(network, x[rest], y[rest], steps)
    alike(network)
    network.eval()
    facts = calibration(_probabilities(network, x[held]), y[held])
    findings = _findings(*facts, classes)
    weights = weights_hash(network.state_dict())
    return FeatureSpace("classifier", network, weights, probabilities=network.probabilities, findings=findings)


def calibration(c: Float[Tensor, "n classes"], y: Int[Tensor, " n"], *, bins: int = 10) -> tuple[float, float]:
    """Accuracy, and expected calibration error (1), of class probabilities against labels."""
    confidence, guess = c.cpu().double().max(1)
    right = (guess == y.cpu()).double()
    place = (confidence * bins).long().clamp(max=bins - 1)
    gap = torch.zeros(bins, dtype=torch.float64).index_add_(0, place, right - confidence)
    return float(right.mean()), float(gap.abs().sum() / len(y))  # (1)


def _build(x: Tensor, classes: int, features: int) -> Classifier:
    mean, std = x.float().mean(), x.float().std().clamp(min=1e-6)
    if x.ndim == 4 and min(x.shape[2:]) >= 16:
        body: nn.Module = nn.Sequential(
            nn.Conv2d(x.shape[1], 32, 3, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU(),
            nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(64 * 16, features), nn.ReLU(),
        )  # fmt: skip
    else:
        body = nn.Sequential(nn.Flatten(), nn.Linear(x[0].numel(), 128), nn.ReLU(), nn.Linear(128, features), nn.ReLU())
    return Classifier(body, nn.Linear(features, classes), mean, std)


def _train(network: Classifier, x: Tensor, y: Tensor, steps: int) -> None:
    device = network.mean.device
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    network.train()
    for _ in range(steps):
        index = torch.randint(len(x), (min(128, len(x)),))
        logits = network.head(network(x[index].to(device)))
        optimiser.zero_grad()
        F.cross_entropy(logits, y[index].to(device)).backward()
        optimiser.step()
        schedule.step()


def _probabilities(network: Classifier, x: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([network.probabilities(network(part.to(network.mean.device))) for part in x.split(256)])


def _findings(accuracy: float, ece: float, classes: int) -> tuple[Finding, ...]:
    found = []
    if ece > UNCALIBRATED:
        saw = f"The classifier behind the features is poorly calibrated (expected calibration error {ece:.2f})."
        found.append(
            Finding("classifier-uncalibrated", saw, "Read sharpness and inception with care; give more labels.")
        )
    if accuracy < 1 / classes + INACCURATE * (1 - 1 / classes):
        saw = f"The classifier behind the features is right on only {accuracy:.0%} of held-out samples."
        found.append(Finding("classifier-inaccurate", saw, "Check the labels, or judge on raw or pca features."))
    return tuple(found)
