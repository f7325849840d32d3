"""What is measured of a representation: how its features lie, whether they have collapsed, and what they are worth.

Worth is the accuracy of simple predictors on test samples, given few labels (`represent.probes`), beside the same of
pixels and of the network as it was before it learned anything.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.data.batch import Batch
from likeness.data.batching import whole
from likeness.data.dataset import Dataset
from likeness.findings import Finding
from likeness.judge.features import FeatureSpace
from likeness.nn.modes import evaluating
from likeness.represent.measures import effective_rank, spectrum
from likeness.represent.probes import drawn_labels, fitted_knn, fitted_linear
from likeness.represent.sphere import alignment, ideal_uniformity, uniformity

LARGEST = 10_000  # samples that probes learn from, and that they are tested on, at most
LABELS = (100, 1000)  # that probes are given, besides all
SHOWN = 2000  # samples whose pairs are looked at
Encode = Callable[[Tensor], Tensor]
Row = dict[str, Any]


@runtime_checkable
class Represents(Protocol):
    """A method with features of samples and, on the sphere, the projections that its objective sees."""

    views: Callable[..., list[Tensor]]

    def updates(self, batch: Batch) -> Iterable[tuple[Any, Callable[[], dict[str, Tensor]]]]: ...

    def encode(self, x: Tensor) -> Tensor: ...

    def project(self, x: Tensor) -> Tensor: ...


class Shapes:
    """The objective on samples that are not learned from, and what the look of their projections says."""

    def __init__(self, method: Any) -> None:
        self.method: Any = method
        self.seen: list[Tensor] = []

    def cost(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " k"]:
        """The objective of these samples together, once for each; nothing for one alone, which has no others."""
        if len(x) < 2:
            return x.new_zeros(0)
        with evaluating(self.method):
            _, objective = next(iter(self.method.updates(Batch(x))))
            value = torch.stack(list(objective().values())).sum()
        self.seen.append(self.method.project(x).cpu())
        return value.expand(len(x))

    def __call__(self, terms: dict[str, float]) -> list[Finding]:
        z, self.seen = torch.cat(self.seen), []
        if float(uniformity(z)) > -0.1:
            saw = "All features are nearly one point: the encoder has collapsed."
            return [Finding("collapse", saw, "Add what drives features apart: contrast, uniformity, or codes.")]
        rank, d = effective_rank(spectrum(z)), z.shape[1]
        if rank < 0.1 * min(d, len(z)):
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
    ways: dict[str, Encode] = {
        "learned": method.encode,
        "untrained network": untrained().to(device),
        "samples themselves": lambda x: x.flatten(1),
    }
    tables = {"What features are worth (accuracy on test samples)": worth(ways, data, device)} if data.classes else {}
    return tables | {"Where projections lie": [lie(method, whole(data.test, SHOWN).x.to(device))]}


def worth(ways: Mapping[str, Encode], data: Dataset, device: torch.device | str, *, seed: int = 0) -> list[Row]:
    """A row for each way to encode: linear and k-NN probes with few labels and with all."""
    train, test = whole(data.train, LARGEST), whole(data.test, LARGEST)
    assert train.y is not None
    assert test.y is not None
    rows = []
    for name, encode in ways.items():
        z, z_test = (features(encode, x, device) for x in (train.x, test.x))
        row: Row = {"features": name, "numbers": z.shape[1]}
        for n in (*(n for n in LABELS if len(data.classes) <= n < len(z)), len(z)):
            known = drawn_labels(train.y, n, seed=seed)
            for kind, fitted in (("linear", fitted_linear), ("k-NN", fitted_knn)):
                probe: Any = fitted
                found = probe(z[known], train.y[known]).accuracy(z_test, test.y)
                row[f"{kind}, {n} labels"] = found
        rows.append(row)
    return rows


@torch.no_grad()
def features(encode: Encode, x: Tensor, device: torch.device | str) -> Float[Tensor, "n d"]:
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
