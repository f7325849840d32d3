"""The contract, the kernel and its discrepancy against their sums, codes that become the prior, λ = 0."""

from itertools import repeat

import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.optim import Adam

from likeness.core import Method, Optimisers, train
from likeness.costs import Nats
from likeness.data.batch import Batch
from likeness.data.columns import fit
from likeness.density.mixed import Mixed
from likeness.density.wae import SCALES, WAE, mmd, multiquadratic
from likeness.errors import InputError
from likeness.nn.coding import decoder_for, encoder_for
from likeness.nn.vector import MLP, VectorCritic
from likeness.testing import check_method

BATCH, IMAGES = Batch(torch.rand(12, 3)), Batch(torch.rand(6, 1, 8, 8))
COLUMNS = fit(pa.table({"a": [1.5, 2.5, None, 4.0], "kind": ["x", "y", "z", "x"]}))


def small(event: tuple[int, ...] = (3,), *, adversary: bool = False, gaussian: bool = False, **given: object) -> WAE:
    E = encoder_for(event, 4 if gaussian else 2, width=8)
    D = decoder_for(event, d_z=2, width=8)
    critic = VectorCritic(2, width=8) if adversary else None
    return WAE(E, D, d_z=2, critic=critic, gaussian=gaussian, **given)  # type: ignore[arg-type]


def adams(method: Method) -> Optimisers:
    assert isinstance(method, WAE)
    players = {method.coder: Adam(method.coder.parameters(), 1e-3)}
    return players if method.critic is None else {**players, method.critic: Adam(method.critic.parameters(), 1e-3)}


@pytest.mark.parametrize("adversary", [False, True])
@pytest.mark.parametrize("gaussian", [False, True])
def test_contract(adversary: bool, gaussian: bool) -> None:
    check_method(lambda: small(adversary=adversary, gaussian=gaussian), BATCH, adams)


@pytest.mark.parametrize("adversary", [False, True])
def test_contract_on_images_and_tables(adversary: bool) -> None:
    check_method(lambda: small((1, 8, 8), adversary=adversary), IMAGES, adams)
    rows = COLUMNS.encode(pa.table({"a": [1.0, None] * 4, "kind": ["x", "z"] * 4}))
    width = (rows.shape[1],)
    check_method(lambda: small(width, adversary=adversary, cost=Nats(Mixed(COLUMNS))), Batch(rows), adams)


def test_the_kernel_is_a_sum_over_scales() -> None:
    a, b = torch.zeros(1, 3), torch.tensor([[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    expected = sum(6 * s / (6 * s + 4) for s in SCALES)
    torch.testing.assert_close(multiquadratic(a, b), torch.tensor([[expected, len(SCALES)]]))


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 9), st.integers(1, 5), st.integers(0, 1000))
def test_the_discrepancy_is_the_sum_over_pairs(n: int, d: int, seed: int) -> None:
    g = torch.Generator().manual_seed(seed)
    z, y = torch.randn(n, d, generator=g).double(), torch.randn(n, d, generator=g).double() + 1

    def k(a: Tensor, b: Tensor) -> float:
        return sum(2 * d * s / (2 * d * s + float((a - b).square().sum())) for s in SCALES)

    pairs = [(i, j) for i in range(n) for j in range(n)]
    inside = sum(k(z[i], z[j]) + k(y[i], y[j]) for i, j in pairs if i != j) / (n * (n - 1))
    between = sum(k(z[i], y[j]) for i, j in pairs) / n**2
    assert float(mmd(z, y)) == pytest.approx(inside - 2 * between, abs=1e-9)


def test_it_has_mean_zero_for_equal_laws_and_is_above_zero_for_others() -> None:
    equal = torch.stack([mmd(torch.randn(16, 2), torch.randn(16, 2)) for _ in range(600)])
    assert abs(float(equal.mean())) < 3 * float(equal.std()) / 600**0.5
    other = torch.stack([mmd(torch.randn(16, 2) * 1.5, torch.randn(16, 2)) for _ in range(600)])
    assert float(other.mean()) > 5 * float(other.std()) / 600**0.5


def moments(codes: Tensor) -> float:
    """How far mean and covariance are from those of the prior."""
    return float(codes.mean(0).norm() + (torch.cov(codes.T) - torch.eye(codes.shape[1])).norm())


@pytest.mark.parametrize(
    ("adversary", "weight", "steps", "rates"),
    [(False, 0.0, 500, (3e-3, 0)), (False, 10.0, 500, (3e-3, 0)), (True, 3.0, 800, (1e-3, 5e-3))],
    ids=["neither", "mmd", "adversary"],
)
def test_codes_as_a_whole_become_the_prior_where_that_is_asked_for(
    adversary: bool, weight: float, steps: int, rates: tuple[float, float]
) -> None:
    torch.manual_seed(1)
    x = torch.randn(2000, 2) * torch.tensor([1.5, 0.3]) + 1
    E, D = MLP(2, 2, width=32, depth=1), MLP(2, 2, width=32, depth=1)
    critic = VectorCritic(2, width=32, depth=2) if adversary else None
    wae = WAE(E, D, d_z=2, weight=weight, critic=critic)
    players = [(wae.coder, rates[0])] + ([] if critic is None else [(critic, rates[1])])
    moves = {player: Adam(player.parameters(), rate, betas=(0.5, 0.99)) for player, rate in players}
    for _ in train(wae, (Batch(x[torch.randint(2000, (128,))]) for _ in range(steps)), moves):
        pass
    assert (moments(wae.encode(x)) < 1) is (weight > 0)
    assert float((wae.reconstruct(x) - x).square().sum(1).mean()) < 0.1


def test_without_a_weight_it_is_an_autoencoder() -> None:
    torch.manual_seed(0)
    x = torch.randn(300, 4) @ torch.diag(torch.tensor([3.0, 2.0, 0.3, 0.1]))
    x = x - x.mean(0)
    wae = WAE(nn.Linear(4, 2, bias=False), nn.Linear(2, 4, bias=False), d_z=2, weight=0)
    terms = wae.terms(x, torch.randn(300, 2), None)
    assert float(sum(terms.values()).detach()) == float(
        (wae.coder.D(wae.coder.E(x)) - x).square().sum(1).mean().detach()
    )
    for _ in train(wae, repeat(Batch(x), 250), Adam(wae.parameters(), 4e-2)):
        pass
    principal = torch.linalg.svd(x, full_matrices=False).Vh[:2]
    basis = torch.linalg.qr(wae.coder.D.weight.detach()).Q
    assert float(torch.linalg.svdvals(principal @ basis).min()) > 0.999


def test_codes_reconstructions_lines_and_draws() -> None:
    for gaussian in (False, True):
        wae, x = small((1, 8, 8), gaussian=gaussian).eval(), torch.rand(5, 1, 8, 8)
        assert wae.encode(x).shape == (5, 2)
        torch.testing.assert_close(wae.reconstruct(x), wae.decode(wae.encode(x)).detach())
        line = wae.interpolate(x, x.flip(0), steps=3)
        torch.testing.assert_close(line[0], wae.reconstruct(x), rtol=1e-4, atol=1e-5)
        assert wae.sample(4, generator=0).shape == (4, 1, 8, 8)
        z = torch.randn(1, 2, requires_grad=True)
        wae.decode(z).sum().backward()
        assert z.grad.abs().sum() > 0
    assert not hasattr(wae, "log_prob")


def test_draws_of_a_table_are_rows_of_it() -> None:
    wae = small((5,), cost=Nats(Mixed(COLUMNS)))
    x = wae.sample(200, generator=0)
    assert torch.equal(x[:, 2:].sum(1), torch.ones(200))
    assert set(x[:, 1].tolist()) <= {0.0, 1.0}


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="weight -1"):
        small(weight=-1)
    with pytest.raises(InputError, match="a batch of 1"):
        mmd(torch.randn(1, 2), torch.randn(1, 2))
    with pytest.raises(InputError, match="width 3"):
        next(small((3,), cost=Nats(Mixed(COLUMNS))).updates(BATCH))
