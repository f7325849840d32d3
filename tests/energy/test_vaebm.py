"""Without an energy the law is the VAE's; of Gaussians it is their product; the VAE stays as it is."""

from collections.abc import Mapping

import pytest
import torch
from linear_gaussian import at_optimum, data, linear_ladder, linear_vae
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from likeness.chains.state import last
from likeness.core import Method, learn, train
from likeness.data.batch import Batch
from likeness.density.likelihoods import Bernoulli, Gaussian
from likeness.density.vae import VAE
from likeness.energy.vaebm import VAEBM
from likeness.errors import InputError
from likeness.nn.coding import decoder_for, encoder_for
from likeness.nn.energy_net import energy_for
from likeness.sampling import Streams, draw
from likeness.testing import check_method


class Zero(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 0 * x.flatten(1).sum(1)


class Bowl(nn.Module):
    """½ a ‖x − b‖², and a constant."""

    def __init__(self, a: float, b: Tensor) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Parameter(torch.tensor(a)), nn.Parameter(b), nn.Parameter(torch.tensor(3.0))

    def forward(self, x: Tensor) -> Tensor:
        return self.a / 2 * (x - self.b).square().sum(1) + self.c


def small(event: tuple[int, ...] = (3,), likelihood: nn.Module | None = None) -> VAE:
    E, D = encoder_for(event, 4, width=8), decoder_for(event, d_z=2, width=8)
    return VAE(E, D, likelihood or Gaussian(0.5, learn=True), d_z=2)  # type: ignore[arg-type]


def made(event: tuple[int, ...] = (3,), **given: object) -> VAEBM:
    chosen = {"capacity": 20, "annealing": 2, "step_size": 1e-2, "steps": 3, "magnitude": 0.1, "drawing": 4} | given
    return VAEBM(small(event), energy_for(event, width=8), event, **chosen)  # type: ignore[arg-type]


def adams(method: Method) -> Mapping[nn.Module, Optimizer]:
    players = [method.E, method.vae] + ([] if method.follower is None else [method.follower])  # type: ignore[operator, union-attr]
    return {player: Adam(player.parameters(), 1e-3) for player in players}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "given",
    [{}, {"capacity": 0}, {"mean": True}, {"spectral": 0.0}, {"vae_steps": 2}],
    ids=["plain", "fresh", "mean", "unbounded", "two-stages"],
)
def test_contract(given: dict) -> None:
    check_method(lambda: made(**given), Batch(torch.rand(8, 3)), adams, steps=4)


def test_contract_on_images() -> None:
    check_method(lambda: made((1, 8, 8)), Batch(torch.rand(6, 1, 8, 8)), adams)


def following() -> VAEBM:
    method = made(capacity=40)
    method.follower = method.vae.D
    return method


def test_contract_where_the_decoder_follows() -> None:
    check_method(following, Batch(torch.rand(8, 3)), adams)


def test_a_decoder_that_follows_lowers_the_energy_of_the_draws_of_the_vae() -> None:
    torch.manual_seed(0)
    method = following()
    method.E, method.penalty = Bowl(1.0, torch.tensor([4.0, 0.0, 0.0])), None
    method.spectral, method.magnitude = 0.0, 0.0
    still = {method.E: Adam(method.E.parameters(), 0.0), method.vae.D: Adam(method.vae.D.parameters(), 1e-2)}
    before = float(method.energy(method.sample(500, steps=0, generator=1)).mean())
    for _ in range(50):
        learn(method, Batch(torch.rand(32, 3)), still)
    assert float(method.energy(method.sample(500, steps=0, generator=1)).mean()) < before - 2


# ------------------------------------------------------------------------------------- what chains walk over


def test_without_an_energy_the_noise_stays_standard_normal() -> None:
    torch.manual_seed(0)
    eta = 0.02
    method = VAEBM(linear_vae(2, 0.5), Zero(), (5,), spectral=0.0, capacity=0, step_size=eta)
    start = Streams(0).normal(5000, 7)
    ends = last(method.chains(start, Streams(1), steps=500))
    variance = 1 / (1 - eta / 4)  # of steps of this size
    assert (ends.mean(0).abs() < 3.5 * (variance / 5000) ** 0.5).all()
    assert ((ends.var(0) - variance).abs() < 3.5 * variance * (2 / 5000) ** 0.5).all()
    assert float((ends - start).square().mean()) > 1, "and the chains do walk"


@pytest.mark.parametrize("vae", [linear_vae(2, 0.5), linear_ladder(0.5)], ids=["vae", "ladder"])
def test_chains_of_no_steps_are_draws_of_the_vae(vae: VAE) -> None:
    method = VAEBM(vae, Zero(), (5,), spectral=0.0, capacity=0)
    assert torch.equal(method.sample(6, steps=0, generator=4), vae.sample(6, generator=4))
    assert torch.equal(method.sample(6, steps=0, generator=4, mean=True), vae.sample(6, generator=4, mean=True))


@pytest.mark.slow
def test_of_a_linear_vae_and_a_quadratic_energy_the_law_is_the_product_of_gaussians() -> None:
    torch.manual_seed(0)
    vae = at_optimum(data(), 2, 0.6)
    a, b = 0.8, torch.tensor([1.0, 0.5, 2.0, 2.5, 5.0])
    method = VAEBM(vae, Bowl(a, b), (5,), spectral=0.0, capacity=0, step_size=0.02)
    x = method.sample(20_000, steps=600, generator=0)
    W, mu = vae.D.weight.detach(), vae.D.bias.detach()
    prior = torch.linalg.inv(W @ W.T + 0.36 * torch.eye(5))
    covariance = torch.linalg.inv(prior + a * torch.eye(5))
    mean = covariance @ (prior @ mu + a * b)
    assert float((x.mean(0) - mean).norm() / mean.norm()) < 0.05
    assert float((x.T.cov() - covariance).norm() / covariance.norm()) < 0.05
    assert float((vae.sample(20_000, generator=0).mean(0) - mean).norm() / mean.norm()) > 0.06, "which is another law"


# ------------------------------------------------------------------------------------- what is learned


def test_the_gradient_is_the_positive_less_the_negative_phase() -> None:
    torch.manual_seed(0)
    method = made(spectral=0.0, magnitude=0.0, capacity=0)
    x, negative = torch.rand(8, 3), torch.rand(8, 3)
    weights = list(method.E.parameters())[:-1]  # the last bias is a constant, which Z takes away
    found = torch.autograd.grad(sum(method.terms(x, negative).values()), weights)
    phases = [torch.autograd.grad(method.E(part).mean(), weights) for part in (x, negative)]
    for g, plus, minus in zip(found, *phases, strict=True):
        torch.testing.assert_close(g, plus - minus)


def test_terms_say_what_they_are() -> None:
    method = made(magnitude=0.5)
    x, negative = torch.rand(8, 3), torch.rand(8, 3)
    terms, E, E_ = method.terms(x, negative), method.E(x), method.E(negative)
    torch.testing.assert_close(terms["magnitude"], 0.5 * (E.square().mean() + E_.square().mean()))
    torch.testing.assert_close(terms["data"] + terms["negative"], E.mean() - E_.mean())


def test_the_vae_learns_first_and_then_stays_as_it_is() -> None:
    torch.manual_seed(0)
    method, batch = made(vae_steps=3), Batch(torch.rand(8, 3))
    optimisers, before = adams(method), [p.clone() for p in method.E.parameters()]
    for _ in range(3):
        learn(method, batch, optimisers)
    assert all(map(torch.equal, before, method.E.parameters()))
    frozen = [p.clone() for p in method.vae.parameters()]
    for _ in range(3):
        for p in method.vae.parameters():
            p.grad = None
        learn(method, batch, optimisers)
    assert all(map(torch.equal, frozen, method.vae.parameters()))
    assert all(p.grad is None for p in method.vae.parameters())
    assert not any(map(torch.equal, before, method.E.parameters()))


def test_the_vae_learned_first_is_the_one_learned_alone() -> None:
    batch, weights = Batch(torch.rand(8, 3)), []
    for together in (True, False):
        torch.manual_seed(0)
        vae = small()
        method: Method = VAEBM(vae, Zero(), (3,), vae_steps=4, spectral=0.0, capacity=0) if together else vae
        torch.manual_seed(1)
        for _ in train(method, [batch] * 4, {vae: Adam(vae.parameters(), 1e-2)}):
            pass
        weights.append(list(vae.parameters()))
    assert all(map(torch.equal, *weights))


class Tilt(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.w * x[:, 0]


@pytest.mark.parametrize("persistent", [True, False])
def test_chains_that_go_on_learn_the_ratio_and_short_ones_overshoot_it_by_what_they_lack(persistent: bool) -> None:
    """A VAE of N(0, 1), data of N(1, 1): the ratio is e^{x − ½}. T steps get (1 − (1 − η/2)^T) of the way."""
    torch.manual_seed(0)
    vae, E, eta, T = VAE(nn.Linear(1, 2), nn.Linear(1, 1), Gaussian(0.6), d_z=1), Tilt(), 0.2, 5
    with torch.no_grad():
        vae.D.weight.fill_(0.8)
        vae.D.bias.zero_()
    given = {"capacity": 2000 * persistent, "persistence": 1.0, "annealing": 0, "steps": T, "step_size": eta}
    method = VAEBM(vae, E, (1,), spectral=0.0, **given)  # type: ignore[arg-type]
    found = []
    for step in train(method, (Batch(1 + torch.randn(256, 1)) for _ in range(500)), Adam(E.parameters(), 2e-2)):
        found += [float(E.w.detach())] if step.iteration > 300 else []
    lacking = 1.0 if persistent else 1 - (1 - eta / 2) ** T
    assert abs(sum(found) / len(found) * lacking + 1) < 0.06


def test_log_prob_is_the_bound_less_the_energy() -> None:
    method, x = made(), torch.rand(5, 3)
    torch.testing.assert_close(method.log_prob(x) + method.energy(x), method.vae.log_prob(x))


def test_draws_belong_to_their_seed() -> None:
    method = made().eval()
    assert torch.equal(draw(method.sample, 5, generator=1), draw(method.sample, 5, generator=1, batch_size=5))


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="give one or more"):
        made(steps=0)
    with pytest.raises(InputError, match="a share of chains"):
        made(persistence=1.5)
    with pytest.raises(InputError, match="Bernoulli are no smooth function"):
        VAEBM(small(likelihood=Bernoulli()), Zero(), (3,), spectral=0.0).sample(3)
    with pytest.raises(InputError, match="exploded at step"):
        VAEBM(small(), Bowl(5.0, torch.zeros(3)), (3,), spectral=0.0).sample(3, steps=400, step_size=50.0)
