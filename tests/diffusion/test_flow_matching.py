import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_denoisers import Small
from torch.optim import Adam

from likeness.core import train
from likeness.data.batch import Batch
from likeness.data.truth import Mixture
from likeness.diffusion.ddim import ddim
from likeness.diffusion.denoisers import PARAMETERISATIONS, Preconditioned, over
from likeness.diffusion.diffusion import Diffusion
from likeness.diffusion.flow_matching import Paired, assigned, curvature, optimal_transport, pairs
from likeness.diffusion.oracle import Exact
from likeness.diffusion.sampler import Diffused
from likeness.diffusion.schedules import flow
from likeness.diffusion.weights import WEIGHTS
from likeness.errors import InputError


@given(n=st.integers(1, 30), d=st.integers(1, 4), seed=st.integers(0, 99))
@settings(deadline=None)
def test_matched_noise_is_the_same_noise_and_never_farther(n: int, d: int, seed: int) -> None:
    torch.manual_seed(seed)
    x, noise = torch.randn(n, d), torch.randn(n, d)
    matched = optimal_transport(Batch(x), noise)
    assert torch.equal(matched.sort(0).values, noise.sort(0).values)
    assert float((x - matched).square().sum()) <= float((x - noise).square().sum()) + 1e-4
    if d == 1:  # on a line the nearest is that of the same rank
        assert torch.equal(matched[x[:, 0].argsort(), 0], noise[:, 0].sort().values)
    assert torch.equal(noise[assigned(x, noise)], matched)


def test_noise_is_matched_within_a_class() -> None:
    x, y = torch.randn(60, 2), torch.arange(60) % 3
    noise = torch.randn(60, 2)
    matched = optimal_transport(Batch(x, y), noise)
    for c in range(3):
        assert torch.equal(matched[y == c].sort(0).values, noise[y == c].sort(0).values)
        alone = optimal_transport(Batch(x[y == c]), noise[y == c])
        assert torch.equal(matched[y == c], alone)


def test_paired_noise_is_found_by_the_place_of_a_sample() -> None:
    noise, index = torch.randn(10, 2), torch.tensor([3, 0, 3])
    found = Paired(noise)(Batch(torch.zeros(3, 2), None, index), torch.randn(3, 2))
    assert torch.equal(found, noise[index])
    with pytest.raises(InputError, match="set index"):
        Paired(noise)(Batch(torch.zeros(3, 2)), torch.zeros(3, 2))


def test_straight_ways_have_no_curvature() -> None:
    """Data that are one point are reached on straight lines, whatever the levels; two points are not."""
    sigmas = flow().levels(20)

    def point(x, sigma):
        return torch.full_like(x, 0.7)

    states = Diffused(point, ddim(), sigmas, (2,)).states(50, generator=0)
    assert float(curvature(states, sigmas).max()) < 1e-6
    two = Exact(Mixture(torch.tensor([[-1.0, 0.0], [1.0, 0.0]]), 0.05))
    states = Diffused(two, ddim(), sigmas, (2,)).states(50, generator=0)
    assert float(curvature(states, sigmas).mean()) > 0.1


def test_velocity_is_what_the_flow_unit_moves_by() -> None:
    """z = x/(1 + σ) at t: dz/dt = ε − x₀ along a path, and Euler's step in t with u is that of DDIM."""
    x0, eps = torch.randn(2, 6, 3, dtype=torch.double)
    t, to = 0.6, 0.5
    sigma = torch.full((6,), t / (1 - t), dtype=torch.double)
    z, x = (1 - t) * x0 + t * eps, x0 + over(sigma, x0) * eps
    u = PARAMETERISATIONS["velocity"].predicted(torch.tanh(x), x, sigma)
    levels = torch.tensor([t / (1 - t), to / (1 - to)]).double()
    (below,) = ddim()(lambda x, s: torch.tanh(x), x, levels, lambda: eps)
    torch.testing.assert_close(below / (1 + levels[1]), z + (to - t) * u)


def trained(x: torch.Tensor, couple, steps: int = 500) -> Diffusion:
    torch.manual_seed(0)
    schedule = flow()
    D = Preconditioned(Small((2,), width=64), PARAMETERISATIONS["velocity"], schedule.told)
    method = Diffusion(
        D,
        schedule,
        (2,),
        rule=ddim(),
        sigmas=schedule.levels(40),
        weight=WEIGHTS["velocity"],
        **({} if couple is None else {"couple": couple}),
    )
    index = [torch.randint(len(x), (128,)) for _ in range(steps)]
    for _ in train(method, (Batch(x[i], None, i) for i in index), Adam(method.parameters(), 5e-3)):
        pass
    return method


def bent(method: Diffusion) -> float:
    sampler = Diffused(method.denoiser(), ddim(), method.sigmas, (2,))
    return float(curvature(sampler.states(500, generator=5), method.sigmas).mean().detach())


@pytest.mark.slow
def test_matching_and_reflow_straighten_the_ways_of_draws() -> None:
    data = Mixture(torch.tensor([[-1.5, 0.0], [1.5, 0.0]]), 0.2).sample(2000, generator=0)
    plain, matched = trained(data, None), trained(data, optimal_transport)
    x, noise = pairs(Diffused(plain.denoiser(), ddim(), plain.sigmas, (2,)), 2000, generator=1)
    assert float(noise.std()) == pytest.approx(1, abs=0.05)
    again = trained(x, Paired(noise))
    before = bent(plain)
    assert bent(matched) < 0.6 * before
    assert bent(again) < 0.6 * before
