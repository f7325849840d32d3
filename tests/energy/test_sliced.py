"""Slices: over all directions of signs the mean is the trace itself; and which form varies less."""

import itertools

import pytest
import torch
from torch import Tensor, nn

from likeness.energy.score_matching import exact, jacobian
from likeness.energy.sliced import gaussian, hutchinson, projected, rademacher, reduced, signs_like, variance_reduced
from likeness.ranks import Part, holding, noise_like


def field(d: int) -> nn.Module:
    return nn.Sequential(nn.Linear(d, 16), nn.Tanh(), nn.Linear(16, d)).double()


def test_the_mean_over_all_signs_is_exact() -> None:
    s, x = field(4), torch.randn(5, 4, dtype=torch.double)
    every = [torch.tensor(v, dtype=torch.double).expand(5, 4) for v in itertools.product((-1.0, 1.0), repeat=4)]
    _, J = jacobian(s, x)
    trace = J.diagonal(dim1=1, dim2=2).sum(1)
    assert torch.allclose(torch.stack([hutchinson(s, x, v) for v in every]).mean(0), trace)
    for form in (projected, reduced):
        assert torch.allclose(torch.stack([form(s, x, v) for v in every]).mean(0), exact(s, x))


@pytest.mark.parametrize("directions", [signs_like, noise_like])
def test_hutchinson_is_right_within_three_standard_errors(directions: object) -> None:
    s, x = field(6), torch.randn(1, 6, dtype=torch.double).expand(10_000, 6)
    with torch.no_grad():
        found = hutchinson(s, x, directions(x))
        _, J = jacobian(s, x[:1])
    assert abs(found.mean() - J[0].trace()) < 3 * found.std() / 100
    symmetric = (J[0] + J[0].T) / 2
    off = symmetric - symmetric.diagonal().diag()
    expected = 2 * (off if directions is signs_like else symmetric).square().sum()  # of vᵀ A v
    assert abs(found.var() / expected - 1) < 0.1


def test_the_reduced_form_varies_less() -> None:
    net, x = field(6), torch.randn(1, 6, dtype=torch.double).expand(4000, 6)

    def s(x: Tensor) -> Tensor:
        return net(x) - 2 * x

    with torch.no_grad():
        spread = {f: f(s, x).var() for f in (rademacher, gaussian, variance_reduced)}
        true = exact(s, x[:1])
        assert abs(variance_reduced(s, x).mean() - true) < 4 * (spread[variance_reduced] / 4000).sqrt()
    assert spread[variance_reduced] < spread[rademacher] < spread[gaussian]


def test_of_a_diagonal_field_one_slice_of_signs_is_exact() -> None:
    x = torch.randn(7, 3)
    assert torch.allclose(variance_reduced(lambda x: -x * torch.tensor([1.0, 2.0, 3.0]), x),
                          exact(lambda x: -x * torch.tensor([1.0, 2.0, 3.0]), x), atol=1e-5)  # fmt: skip


def test_a_direction_belongs_to_its_sample() -> None:
    x = torch.zeros(4, 3)
    torch.manual_seed(3)
    whole = signs_like(x)
    assert set(whole.flatten().tolist()) == {-1.0, 1.0}
    torch.manual_seed(3)
    with holding(Part(2, 2, 4)):
        assert torch.equal(signs_like(x[2:]), whole[2:])
