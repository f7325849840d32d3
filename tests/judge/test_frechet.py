import pytest
import torch
from scipy.linalg import sqrtm
from torch import nn

from likeness.errors import InputError
from likeness.judge import frechet as module
from likeness.judge.frechet import frechet, frechet_distance, intercept
from likeness.lockstep import lockstep


def slow(x, y):
    """The textbook form, by a matrix square root."""
    a, b = torch.cov(x.double().T), torch.cov(y.double().T)
    root = torch.from_numpy(sqrtm((a @ b).numpy()).real)
    return float((x.double().mean(0) - y.double().mean(0)).square().sum() + (a + b - 2 * root).trace())


def test_one_dimension_in_closed_form():
    x, y = torch.randn(50, 1), torch.randn(70, 1) * 3 + 2
    expected = (x.mean() - y.mean()) ** 2 + (x.std() - y.std()) ** 2
    assert frechet_distance(x, y) == pytest.approx(float(expected), rel=1e-5)


def test_it_equals_the_textbook_form():
    x, y = torch.randn(200, 8) @ torch.randn(8, 8), torch.randn(150, 8) @ torch.randn(8, 8) + 1
    assert frechet_distance(x, y) == pytest.approx(slow(x, y), rel=1e-6)


@pytest.mark.parametrize(("n", "m", "d"), [(15, 40, 20), (40, 15, 20), (10, 12, 40)])
def test_fewer_samples_than_features(n, m, d):
    x, y = torch.randn(n, d), torch.randn(m, d) + 0.5
    a, b = (z.double() - z.double().mean(0) for z in (x, y))
    cross = torch.linalg.svdvals(a @ b.T).sum() / ((n - 1) * (m - 1)) ** 0.5  # tr (Σ₁Σ₂)^½ as a nuclear norm
    means = (x.double().mean(0) - y.double().mean(0)).square().sum()
    expected = means + a.square().sum() / (n - 1) + b.square().sum() / (m - 1) - 2 * cross
    assert frechet_distance(x, y) == pytest.approx(float(expected), rel=1e-5)


def test_it_is_a_distance():
    x, y = torch.randn(80, 5), torch.randn(90, 5) + 1
    turn = torch.linalg.qr(torch.randn(5, 5)).Q
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(x, y) == pytest.approx(frechet_distance(y, x), rel=1e-9)
    assert frechet_distance(x @ turn + 3, y @ turn + 3) == pytest.approx(frechet_distance(x, y), rel=1e-4)
    assert frechet_distance(2 * x, 2 * y) == pytest.approx(4 * frechet_distance(x, y), rel=1e-6)
    assert frechet_distance(x, x + 2) == pytest.approx(20, rel=1e-5)


def test_a_far_mean_costs_no_digits():
    x, y = torch.randn(300, 4).double(), torch.randn(300, 4).double() * 2
    assert frechet_distance(x + 1e5, y + 1e5) == pytest.approx(frechet_distance(x, y), rel=1e-6)


@pytest.mark.parametrize(("n", "d"), [(500, 16), (300, 64)])
def test_parity_with_torchmetrics(n, d):
    from torchmetrics.image.fid import FrechetInceptionDistance

    identity = nn.Identity()
    identity.num_features = d
    metric = FrechetInceptionDistance(feature=identity)
    x, y = torch.randn(n, d) @ torch.randn(d, d), torch.randn(n, d) @ torch.randn(d, d)
    metric.update(x, real=True)
    metric.update(y, real=False)
    assert frechet_distance(x, y) == pytest.approx(float(metric.compute()), rel=1e-4)


def test_intercept_of_a_line_in_one_over_n():
    inverse = torch.tensor([1.0, 1.2, 2.0], dtype=torch.float64)
    assert intercept(inverse, 3 + 5 * inverse) == pytest.approx(3)


def test_extrapolation_removes_most_of_the_bias():
    raw, limit = [], []
    for _ in range(20):
        found = frechet(torch.randn(400, 16), torch.randn(400, 16) + 0.25)  # the truth is 1
        raw.append(found.distance[0])
        limit.append(found.extrapolated[0])
    bias = torch.tensor(raw).mean() - 1
    assert bias > 0.3
    assert abs(torch.tensor(limit).mean() - 1) < bias / 5


@pytest.mark.parametrize("shift", [0.0, 0.25])
def test_intervals_cover(shift):
    """The plain interval holds the mean over draws, the extrapolated one the truth, about 19 times in 20."""
    found = [frechet(torch.randn(300, 8), torch.randn(300, 8) + shift) for _ in range(200)]
    mean = sum(f.distance[0] for f in found) / 200
    plain = sum(f.distance[1] <= mean <= f.distance[2] for f in found) / 200
    truth = 8 * shift**2
    limit = sum(f.extrapolated[1] <= truth <= f.extrapolated[2] for f in found) / 200
    assert plain >= 0.9
    assert limit >= 0.88


def test_too_few():
    with pytest.raises(InputError, match="1 samples are too few"):
        frechet_distance(torch.randn(1, 3), torch.randn(9, 3))


@pytest.mark.parametrize("processes", [2, 3])
def test_processes_add_up_their_sums(processes, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 16)
    x, y = torch.randn(130, 6) + 3, torch.randn(100, 6) * 1.1 + 3

    def work(rank):
        found = frechet(x, y)
        return torch.tensor([*found.distance, *found.extrapolated, frechet_distance(x, y)], dtype=torch.float64)

    (alone,) = lockstep(1, work)
    for found in lockstep(processes, work):
        torch.testing.assert_close(found, alone, rtol=1e-9, atol=0)
