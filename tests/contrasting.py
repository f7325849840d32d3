"""Small encoders, views and digits for the tests of methods that learn by comparing views."""

from collections.abc import Iterator
from functools import cache
from itertools import islice

import torch
from torch import Tensor, nn
from torch.optim import Adam

from likeness.core import Method, train
from likeness.data import load, whole
from likeness.data.batch import Batch
from likeness.data.views import Views, digits, two
from likeness.nn.heads import projection
from likeness.nn.small_cnn import SmallCNN

D = 16  # numbers that `head` gives


def encoder(width: int = 4, d: int = 8) -> SmallCNN:
    return SmallCNN(1, width=width, d=d)


def head(d: int = 8) -> nn.Module:
    return projection(d, hidden=d, out=D)


def views() -> Views:
    return two(digits(8))


def images(n: int = 8) -> Batch:
    return Batch(torch.rand(n, 1, 8, 8) * 2 - 1)


@cache
def parts() -> tuple[Batch, Batch]:
    """The training and the test part of scikit-learn's digits."""
    data = load("digits")
    return tuple(Batch(found.x, found.y) for found in (whole(data.train), whole(data.test)))  # type: ignore[return-value]


def batches(n: int = 128) -> Iterator[Batch]:
    x = parts()[0].x
    while True:
        yield from (Batch(x[rows]) for rows in torch.randperm(len(x)).split(n) if len(rows) == n)


def learned(method: Method, steps: int = 60) -> Method:
    for _ in train(method, islice(batches(), steps), Adam(method.parameters(), 2e-3)):
        pass
    return method


def few_shots(method: Method, shots: int = 3, draws: int = 10) -> float:
    """Accuracy of the nearest of 3 labelled digits of each class, by the cosine of centred features."""
    (x, y, _), (x_test, y_test, _) = parts()
    z, z_test = method.encode(x), method.encode(x_test)
    mean, g, right = z.mean(0), torch.Generator().manual_seed(0), []
    z, z_test = (nn.functional.normalize(found - mean) for found in (z, z_test))
    for _ in range(draws):
        rows = torch.cat([_some(y == c, shots, g) for c in range(10)])
        right.append((y[rows][(z_test @ z[rows].T).argmax(1)] == y_test).float().mean())
    return float(torch.stack(right).mean())


def _some(which: Tensor, n: int, g: torch.Generator) -> Tensor:
    rows = which.nonzero().flatten()
    return rows[torch.randperm(len(rows), generator=g)[:n]]
