"""The density is scikit-learn's, its width makes unseen samples likely, and memory is bounded."""

import math

import numpy as np
import pytest
import torch
from sklearn.neighbors import KernelDensity
from torch.optim import Adam

from likeness.core import train
from likeness.data.batch import Batch
from likeness.data.toys import TOYS
from likeness.density.kde import KDE, log_density
from likeness.errors import InputError
from likeness.sampling import draw
from likeness.testing import check_method


def batches(x: torch.Tensor, size: int, epochs: int) -> list[Batch]:
    places = torch.arange(len(x))
    return [Batch(x[i], index=i) for _ in range(epochs) for i in places.split(size)]


def fitted(x: torch.Tensor, epochs: int = 10, **options: float) -> KDE:
    kde = KDE(x.shape[1], len(x), **options)
    for _ in train(kde, batches(x, 50, epochs), Adam(kde.parameters(), 0.05)):
        pass
    return kde


@pytest.mark.parametrize("index", [torch.arange(20), None])
def test_contract(index: torch.Tensor | None) -> None:
    check_method(lambda: KDE(3, 50), Batch(torch.randn(20, 3), index=index), lambda m: Adam(m.parameters(), 1e-2))


def test_it_is_scikit_learns_kernel_density() -> None:
    points, x, h = torch.randn(300, 2), 2 * torch.randn(50, 2), 0.3
    known = KernelDensity(bandwidth=h).fit(points.double().numpy())
    ours = log_density(x.double(), points.double(), torch.full((2,), h).double(), torch.ones(300, dtype=torch.bool))
    assert np.allclose(ours, known.score_samples(x.double().numpy()), atol=1e-9)


def test_the_width_is_that_of_the_best_leave_one_out_likelihood() -> None:
    x = torch.randn(300, 1, generator=torch.Generator().manual_seed(0))
    kde, others = fitted(x, 40), ~torch.eye(300, dtype=torch.bool)

    def left_out(h: float) -> float:
        return float(log_density(x.double(), x.double(), torch.tensor([h]).double(), others).mean())

    best = max(left_out(math.exp(i / 20)) for i in range(-60, 20))
    assert left_out(float(kde.h.detach())) > best - 1e-3


def test_it_comes_nearer_to_the_truth_with_more_samples() -> None:
    truth = TOYS["ring8"].make()
    new = truth.sample(1000, generator=9)
    gaps = []
    for n in (200, 2000):
        kde = fitted(truth.sample(n, generator=1), 10)
        gaps.append(float((truth.log_prob(new) - kde.log_prob(new).detach()).mean()))
    assert 0 < gaps[1] < gaps[0] / 2


def test_every_sample_is_kept_once_and_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.randn(250, 2)
    kde = fitted(x, 3)
    assert sorted(kde.places.tolist()) == list(range(250))
    whole = kde.log_prob(x)
    monkeypatch.setattr("likeness.density.kde.BLOCK", 1000)
    assert torch.allclose(kde.log_prob(x), whole, atol=1e-6)
    assert draw(kde.sample, 5, generator=0).shape == (5, 2)


def test_copies_leave_the_least_width() -> None:
    kde = fitted(torch.randn(50, 2).repeat(4, 1), 60, floor=0.05)
    assert torch.allclose(kde.h.detach(), torch.full((2,), 0.05).double())


def test_wrong_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="capacity 1"):
        KDE(2, 1)
    with pytest.raises(InputError, match="floor 0"):
        KDE(2, 5, floor=0)


def test_it_integrates_to_one() -> None:
    kde = fitted(TOYS["ring10"].make().sample(200, generator=0), 5, floor=0.05)
    line = torch.linspace(-4, 4, 401, dtype=torch.float64)  # step 0.02, below half the least width
    with torch.no_grad():
        total = kde.log_prob(torch.cartesian_prod(line, line)).exp().sum() * 0.02**2
    assert float(total) == pytest.approx(1, abs=1e-3)
