"""What is measured of a representation: how its features lie, whether they have collapsed, and what they are worth.

Worth is the accuracy of simple predictors on test samples, given few labels (`represent.probes`), beside the same of
pixels and of the network as it was before it learned anything.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import fmean
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from likeness.data.batch import Batch
from likeness.data.batching import whole
from likeness.data.dataset import Dataset
from likeness.findings import Finding
from likeness.judge.features import FeatureSpace
from likeness.nn.modes import evaluating
from likeness.represent.measures import effective_rank, spectrum
from likeness.represent.probes import drawn_labels, knn, linear
from likeness.represent.sphere import alignment, ideal_uniformity, uniformity

LARGEST = 10_000  # samples that probes learn from, and that they are tested on, at most
LABELS, DRAWS = (100, 1000), 3  # that probes are given, besides all, and how often they are drawn anew
SHOWN = 2000  # samples whose pairs are looked at
Encode = Callable[[Tensor], Tensor]  # samples (n, *event) to features (n, d)
Row = dict[str, Any]


class Shapes:
    """The objective on samples that are not learned from, and what the look of their projections says.

    The method has `updates`; where its objective sees points on the sphere, `project` gives them.
    """

    def __init__(self, method: Any) -> None:
        self.method: Any = method
        self.seen: list[Tensor] = []
        self.most = 1  # directions that samples can vary in

    def cost(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " k"]:
        """The objective of these samples together, once for each; nothing for one alone, which has no others."""
        if len(x) < 2:
            return x.new_zeros(0)
        with evaluating(self.method):
            _, objective = next(iter(self.method.updates(Batch(x))))
            value = torch.stack(list(objective().values())).sum()
        if hasattr(self.method, "project"):
            self.seen.append(self.method.project(x).cpu())
            self.most = x[0].numel()
        return value.expand(len(x))

    def __call__(self, terms: dict[str, float]) -> list[Finding]:
        if not self.seen:
            return []
        z, self.seen = torch.cat(self.seen), []
        if float(uniformity(z)) > -0.1:
            saw = "All features are nearly one point: the encoder has collapsed."
            return [Finding("collapse", saw, "Add what drives features apart: contrast, uniformity, or codes.")]
        rank, d = effective_rank(spectrum(z)), z.shape[1]
        if rank < 0.1 * min(d, len(z), self.most):
            saw = f"Features of {d} numbers vary in {rank:.0f} directions: the others have collapsed."
            return [Finding("dimensional-collapse", saw, "Raise the temperature, or lower --d-z.")]
        return []

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """There is none."""


def measured(method: Any, untrained: Callable[[], Any], data: Dataset, space: FeatureSpace) -> dict[str, list[Row]]:
    """The tables of a report: what features are worth, where there are labels, and where projections lie."""
    device = next(method.parameters()).device
    parts = {"learned": method.encode, "untrained network": untrained().to(device), "pixels": nn.Flatten()}
    ways: dict[str, Encode] = {name: partial(features, way, device=device) for name, way in parts.items()}
    tables: dict[str, list[Row]] = {}
    if data.classes:
        found = worth(ways, whole(data.train, LARGEST), whole(data.test, LARGEST), draws=1)
        rows: list[Row] = [{"features": name} | row for name, row in found.items()]
        tables["What features are worth: accuracy on test samples, by the labels that probes learn from"] = rows
    if hasattr(method, "project"):
        tables["Where projections lie"] = [lie(method, whole(data.test, SHOWN).x.to(device))]
    return tables


def worth(
    ways: Mapping[str, Encode],
    train: Batch,
    test: Batch,
    *,
    labels: Sequence[int] = LABELS,
    draws: int = DRAWS,
    every: bool = True,
    seed: int = 0,
) -> dict[str, dict[str, float]]:
    """Test accuracy of linear and k-NN probes on each way to encode, by the labels they learn from; by all if `every`.

    What is told is the mean over draws of the labels, which are the same for all ways. Numbers of labels below that of
    classes, or not below that of samples, are left out.
    """
    y, y_test = train.y, test.y
    assert y is not None
    assert y_test is not None
    asked = sorted({n for n in labels if len(y.unique()) <= n < len(y)})
    known = {str(n): [drawn_labels(y, n, seed=seed + i) for i in range(draws)] for n in asked}
    if every or not known:
        known["all"] = [torch.arange(len(y))]
    found: dict[str, dict[str, float]] = {}
    for name, encode in ways.items():
        z, z_test, row = encode(train.x), encode(test.x), found.setdefault(name, {})
        for n, places in known.items():
            row[f"linear {n}"] = fmean(linear(z[k], y[k], z_test, y_test, seed=seed) for k in places)
            row[f"k-NN {n}"] = fmean(knn(z[k], y[k], z_test, y_test) for k in places)
    return found


@torch.no_grad()
def features(encode: Encode, x: Tensor, *, device: torch.device | str) -> Float[Tensor, "n d"]:
    """Of all samples, on the CPU; networks in evaluation mode."""
    made = [encode(part.to(device)).flatten(1).float().cpu() for part in x.split(256)]
    return torch.cat(made)


@torch.no_grad()
def lie(method: Any, x: Float[Tensor, " n *event"]) -> Row:
    """Alignment of two views of these samples, uniformity beside its ideal, and how many directions are used."""
    a, b, *_ = views_of(method, x).values()
    z = method.project(x)
    return {
        "alignment of two views": float(alignment(method.project(a), method.project(b)).mean()),
        "uniformity": float(uniformity(z)),
        "uniformity, ideal": ideal_uniformity(z.shape[1]),
        "effective rank": effective_rank(spectrum(z.cpu())),
        "numbers": z.shape[1],
    }


@torch.no_grad()
def views_of(method: Any, x: Float[Tensor, " n *event"]) -> dict[str, Tensor]:
    """The first two views of samples, and the first of each other size; the same ones each time."""
    with torch.random.fork_rng([x.device] if x.is_cuda else []):
        torch.manual_seed(0)
        views = method.views(x)
    first = {v.shape: v for v in reversed(views)}
    others = [v for v in first.values() if v.shape != views[0].shape]
    return {"a view": views[0], "another view": views[1]} | {f"a view of {v.shape[2]} pixels": v for v in others}
