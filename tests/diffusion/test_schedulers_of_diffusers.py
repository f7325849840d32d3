"""The schedulers of diffusers, where it is installed: the same network and noise give the same draws."""

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from likeness.diffusion.ancestral import ancestral
from likeness.diffusion.ddim import ddim
from likeness.diffusion.denoisers import PARAMETERISATIONS, Preconditioned, edm
from likeness.diffusion.dpm_solver import dpm_solver
from likeness.diffusion.heun import euler, heun
from likeness.diffusion.respacing import respaced
from likeness.diffusion.sampler import Rule
from likeness.diffusion.schedules import Discrete, Karras, cosine, linear
from likeness.diffusion.transitions import large

diffusers = pytest.importorskip("diffusers", reason="parity with diffusers needs diffusers")

N = 8


class Net(nn.Module):
    """The noise in standard normal data, √(1 − ᾱ) x_t, and something smooth besides."""

    def __init__(self, schedule: Discrete) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.weight, self.last = torch.randn(4, 32), nn.Linear(32, 4)
        self.share = (schedule.sigmas / (1 + schedule.sigmas.square()).sqrt()).float()

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        t = t.expand(len(x)).to(x)[:, None]
        return self.share[t.round().long()[:, 0], None] * x + self.last((x @ self.weight + t / 1000).tanh()) / 5


def mine(rule: Rule, D: Preconditioned, sigmas: Tensor, noise: Tensor) -> Tensor:
    """The draw from σ₀ times this noise, all other noise by a seed."""
    source = torch.Generator().manual_seed(5)
    with torch.no_grad():
        *_, x = rule(D, sigmas[0].float() * noise, sigmas, lambda: torch.randn(N, 4, generator=source))
    return x


def theirs(scheduler: Any, net: nn.Module, x: Tensor, steps: int, **options: Any) -> Tensor:
    """The loop of a pipeline, from what the scheduler starts with."""
    scheduler.set_timesteps(steps)
    for t in scheduler.timesteps:
        with torch.no_grad():
            predicted = net(scheduler.scale_model_input(x, t), t)
        x = scheduler.step(predicted, t, x, **options).prev_sample
    return x


def close(a: Tensor, b: Tensor) -> None:
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


def noise_net(schedule: Discrete) -> Preconditioned:
    return Preconditioned(Net(schedule), PARAMETERISATIONS["noise"], schedule.told)


def seeded() -> dict[str, torch.Generator]:
    return {"generator": torch.Generator().manual_seed(5)}


@pytest.mark.parametrize("variance", ["fixed_small", "fixed_large"])
@pytest.mark.parametrize(("name", "make"), [("linear", linear), ("squaredcos_cap_v2", cosine)])
@pytest.mark.parametrize("steps", [1000, 38])
def test_ddpm(variance: str, name: str, make: Any, steps: int) -> None:
    scheduler = diffusers.DDPMScheduler(
        beta_schedule=name, variance_type=variance, clip_sample=False, timestep_spacing="linspace"
    )
    schedule, noise = make(), torch.randn(N, 4)
    # 1 − ᾱ in single precision is off by 10⁻³ where there is little noise, which 1000 steps add up.
    scheduler.betas, scheduler.alphas = schedule.betas, 1 - schedule.betas
    scheduler.alphas_cumprod = scheduler.alphas.cumprod(0)
    sigmas = schedule.levels(steps)
    rule = ancestral(large) if variance == "fixed_large" else ancestral()
    start = noise * (sigmas[0] / (1 + sigmas[0] ** 2).sqrt()).float()
    D = noise_net(schedule)
    close(mine(rule, D, sigmas, noise), theirs(scheduler, D.F, start, steps, **seeded()))


@pytest.mark.parametrize("eta", [0.0, 1.0])
@pytest.mark.parametrize("prediction", ["epsilon", "sample", "v_prediction"])
def test_ddim(eta: float, prediction: str) -> None:
    scheduler = diffusers.DDIMScheduler(beta_schedule="linear", clip_sample=False, prediction_type=prediction)
    row = {"epsilon": "noise", "sample": "x0", "v_prediction": "v"}[prediction]
    schedule, noise = linear(), torch.randn(N, 4)
    sigmas = respaced(schedule, "ddim50")
    D = Preconditioned(Net(schedule), PARAMETERISATIONS[row], schedule.told)
    start = noise * (sigmas[0] / (1 + sigmas[0] ** 2).sqrt()).float()
    close(mine(ddim(eta), D, sigmas, noise), theirs(scheduler, D.F, start, 50, eta=eta, **seeded()))


@pytest.mark.parametrize(("algorithm", "eta"), [("dpmsolver++", 0.0), ("sde-dpmsolver++", 1.0)])
def test_dpm_solver(algorithm: str, eta: float) -> None:
    scheduler = diffusers.DPMSolverMultistepScheduler(
        beta_schedule="linear", algorithm_type=algorithm, final_sigmas_type="zero", timestep_spacing="linspace"
    )
    scheduler.set_timesteps(27)
    noise, sigmas = torch.randn(N, 4), scheduler.sigmas.double()
    start = noise * (sigmas[0] / (1 + sigmas[0] ** 2).sqrt()).float()
    D = noise_net(linear())
    close(mine(dpm_solver(eta), D, sigmas, noise), theirs(scheduler, D.F, start, 27, **seeded()))


@pytest.mark.parametrize(("name", "rule"), [("EulerDiscreteScheduler", euler()), ("HeunDiscreteScheduler", heun())])
def test_euler_and_heun(name: str, rule: Rule) -> None:
    """28 steps have whole indices; between two, diffusers tells the network of them linearly in t."""
    scheduler = getattr(diffusers, name)(beta_start=1e-4, beta_end=0.02, beta_schedule="linear")
    noise, sigmas = torch.randn(N, 4), linear().levels(28)
    start = noise * sigmas[0].float()
    D = noise_net(linear())
    close(mine(rule, D, sigmas, noise), theirs(scheduler, D.F, start, 28))


def test_edm() -> None:
    scheduler = diffusers.EDMEulerScheduler()
    schedule, noise = Karras(), torch.randn(N, 4)
    sigmas = schedule.levels(30)
    D = Preconditioned(Net(linear()), edm(0.5), schedule.told)
    close(mine(euler(), D, sigmas, noise), theirs(scheduler, D.F, noise * sigmas[0].float(), 30))


def test_levels_are_theirs() -> None:
    for name, make in (("linear", linear), ("squaredcos_cap_v2", cosine)):
        kept = diffusers.DDPMScheduler(beta_schedule=name).alphas_cumprod.double()
        torch.testing.assert_close(make().sigmas, (1 / kept - 1).sqrt(), rtol=2e-3, atol=0)
    scheduler = diffusers.DDPMScheduler(timestep_spacing="linspace")
    scheduler.set_timesteps(25)
    gaps = [a - b for a, b in pairwise(scheduler.timesteps.tolist())]
    told = linear().told(linear().levels(25)[:-1]).round()
    assert told.tolist() == scheduler.timesteps.tolist()
    assert min(gaps) > 0
