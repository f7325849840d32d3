import math

import pytest
import torch
from scipy import integrate, stats
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from likeness.data.truth import Checkerboard, Laplace, Mixture
from likeness.errors import InputError
from likeness.sampling import Streams, draw

TRUTHS = {
    "mixture": Mixture(torch.tensor([[0.0, 0.0], [3.0, 0.0]]), 0.5, weights=torch.tensor([0.8, 0.2])),
    "laplace": Laplace(),
    "checkerboard": Checkerboard(),
}


@pytest.mark.parametrize("truth", TRUTHS.values(), ids=TRUTHS)
def test_a_sample_belongs_to_its_place_not_to_its_batch(truth) -> None:
    assert torch.equal(draw(truth.sample, 101, generator=5), draw(truth.sample, 101, generator=5, batch_size=7))
    assert not torch.equal(truth.sample(101, generator=5), truth.sample(101, generator=6))


def test_mixture_density_equals_torch() -> None:
    means, factors = torch.randn(3, 4), torch.randn(3, 4, 4).tril()
    factors.diagonal(dim1=1, dim2=2).abs_().add_(0.5)
    w = torch.tensor([0.2, 0.3, 0.5])
    theirs = MixtureSameFamily(Categorical(w), MultivariateNormal(means, scale_tril=factors))
    x = 2 * torch.randn(50, 4)
    torch.testing.assert_close(Mixture(means, factors, weights=w).log_prob(x), theirs.log_prob(x))


def test_mixture_samples_have_its_moments_and_labels() -> None:
    L = torch.tensor([[[1.0, 0.0], [0.8, 0.6]], [[0.1, 0.0], [0.0, 0.1]]])
    m = Mixture(
        torch.tensor([[0.0, 0.0], [5.0, 5.0]]), L, weights=torch.tensor([0.3, 0.7]), labels=torch.tensor([1, 0])
    )
    batch = m.labelled(20_000, generator=0)
    first = batch.x[batch.y == 1]
    assert len(first) == pytest.approx(6000, abs=4 * math.sqrt(20_000 * 0.21))
    torch.testing.assert_close(first.T.cov(), L[0] @ L[0].T, atol=0.06, rtol=0)


def test_modes_are_the_components_unless_they_are_pieces_of_a_class() -> None:
    whole = TRUTHS["mixture"]
    assert whole.std == 0.5
    assert whole.weights.tolist() == pytest.approx([0.8, 0.2])
    pieces = Mixture(whole.means, 0.5, labels=torch.tensor([0, 0]))
    assert pieces.modes is None
    assert pieces.weights is None
    assert pieces.std is None


def test_laplace_is_scipys_with_its_variance() -> None:
    x = torch.linspace(-4, 4, 9)[:, None]
    theirs = stats.laplace(scale=math.sqrt(1.5))
    assert theirs.var() == pytest.approx(3)
    assert Laplace(3.0).log_prob(x).tolist() == pytest.approx(theirs.logpdf(x[:, 0].numpy()).tolist(), rel=1e-5)
    draws = Laplace(3.0).sample(5000, generator=1)[:, 0]
    assert draws.isfinite().all()
    assert stats.kstest(draws.numpy(), theirs.cdf).pvalue > 0.01


def test_checkerboard_is_uniform_on_the_dark_fields_and_nowhere_else() -> None:
    board = Checkerboard()
    x = board.sample(8000, generator=2)
    assert torch.equal(board.log_prob(x), torch.full((8000,), -math.log(8)))
    fields, counts = x.floor().unique(dim=0, return_counts=True)
    assert len(fields) == 8
    assert stats.chisquare(counts.numpy()).pvalue > 0.01
    assert board.log_prob(torch.tensor([[0.5, 1.5], [2.5, 0.5], [-2.5, 0.5]])).tolist() == [-math.inf] * 3
    grid = torch.cartesian_prod(*(torch.arange(-2.95, 3, 0.1),) * 2)
    assert float(board.log_prob(grid).exp().sum() * 0.01) == pytest.approx(1, abs=1e-4)


def test_the_density_of_a_line_integrates_to_one() -> None:
    for truth in (Laplace(), Mixture(torch.tensor([[-1.0], [1.0]]), 0.3)):
        mass, _ = integrate.quad(
            lambda v, t=truth: float(t.log_prob(torch.tensor([[v]])).exp()), -12, 12, points=(-1, 0, 1)
        )
        assert mass == pytest.approx(1, abs=1e-4)


def test_streams_make_parts_differ() -> None:
    a, b = (Laplace().sample(10, generator=Streams(0).split(part)) for part in ("train", "test"))
    assert not torch.equal(a, b)


def factors(k: int, d: int) -> torch.Tensor:
    L = torch.randn(k, d, d, dtype=torch.double).tril()
    L.diagonal(dim1=1, dim2=2).abs_().add_(0.5)
    return L


@pytest.mark.parametrize("wide", [True, False])
def test_the_score_is_the_gradient_of_the_log_density(wide: bool) -> None:
    truth = Mixture(torch.randn(3, 4).double(), factors(3, 4) if wide else 0.7)
    x = torch.randn(20, 4).double().requires_grad_()
    (slope,) = torch.autograd.grad(truth.log_prob(x).sum(), x)
    torch.testing.assert_close(truth.score(x.detach()), slope)


@pytest.mark.parametrize("wide", [True, False])
def test_a_noised_mixture_is_that_of_its_noised_samples(wide: bool) -> None:
    """Convolved numerically: p_σ(y) = E p(y − σ ε)."""
    truth, y, sigma = Mixture(torch.randn(2, 1).double(), factors(2, 1) if wide else 0.7), torch.tensor([[0.3]]), 0.6
    eps = torch.linspace(-8, 8, 4001).double()[:, None]
    bell = torch.exp(-eps[:, 0].square() / 2) / math.sqrt(2 * math.pi)
    there = torch.trapezoid(truth.log_prob(y.double() - sigma * eps).exp() * bell, eps[:, 0])
    torch.testing.assert_close(truth.noised(sigma).log_prob(y.double())[0].exp(), there)
    with pytest.raises(InputError, match="-1"):
        truth.noised(-1)


def test_the_whole_is_the_mixture_of_its_classes() -> None:
    truth = Mixture(torch.randn(3, 2), 0.7, weights=torch.tensor([0.2, 0.3, 0.5]), labels=torch.tensor([0, 1, 1]))
    x = torch.randn(10, 2)
    parts = 0.2 * truth.of_class(0).log_prob(x).exp() + 0.8 * truth.of_class(1).log_prob(x).exp()
    torch.testing.assert_close(parts, truth.log_prob(x).exp())
    with pytest.raises(InputError, match="class 2"):
        truth.of_class(2)
