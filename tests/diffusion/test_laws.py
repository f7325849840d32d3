"""What holds of all rules: with the exact denoiser their draws follow the data's law, at the published order."""

from collections.abc import Callable
from functools import cache

import pytest
import torch

from likeness.data.truth import Mixture
from likeness.diffusion.ancestral import ancestral
from likeness.diffusion.ddim import ddim
from likeness.diffusion.dpm_solver import dpm_solver
from likeness.diffusion.heun import euler, heun
from likeness.diffusion.oracle import Exact
from likeness.diffusion.predictor_corrector import predictor_corrector
from likeness.diffusion.sampler import Diffused, Rule
from likeness.diffusion.schedules import cosine, karras
from likeness.diffusion.transitions import large
from likeness.judge.c2st import c2st
from likeness.judge.mmd import mmd_test

SCALES = torch.tensor([[[0.6, 0.0], [0.4, 0.3]], [[0.3, 0.0], [0.0, 0.5]], [[0.25, 0.0], [-0.1, 0.2]]])
TRUTH = Mixture(torch.tensor([[1.0, -1.0], [-1.5, 0.5], [0.5, 1.5]]), SCALES, weights=torch.tensor([0.5, 0.3, 0.2]))
N = 20_000

RULES: dict[str, tuple[Callable[[], Rule], torch.Tensor]] = {
    "ddpm": (ancestral, cosine(1000).levels(250)),
    "ddpm, large": (lambda: ancestral(large), cosine(1000).levels(1000)),
    "ddim": (ddim, cosine(1000).levels(250)),
    "ddim, half the noise": (lambda: ddim(0.5), cosine(1000).levels(250)),
    "euler": (euler, karras(150, 0.01, 80.0)),
    "heun": (heun, karras(30, 0.01, 80.0)),
    "heun, churn": (lambda: heun(S_churn=10.0), karras(60, 0.01, 80.0)),
    "dpm++": (dpm_solver, karras(60, 0.01, 80.0)),
    "dpm++, noise": (lambda: dpm_solver(1.0), karras(100, 0.01, 80.0)),
    "predictor-corrector": (lambda: predictor_corrector(snr=0.1), karras(250, 0.01, 80.0)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", RULES)
def test_no_test_tells_20000_draws_from_data(name: str) -> None:
    make, levels = RULES[name]
    x, y = Diffused(Exact(TRUTH), make(), levels, (2,))(N, generator=0), TRUTH.sample(N, generator=1)
    assert c2st(x, y, largest=N).p > 0.01
    assert mmd_test(x, y, permutations=200).p > 0.01
    # Moments see at 20 000 draws what small tests cannot.
    torch.testing.assert_close(x.mean(0), y.mean(0), atol=0.05, rtol=0)
    torch.testing.assert_close(torch.cov(x.T), torch.cov(y.T), atol=0.06, rtol=0)


@pytest.mark.slow
def test_these_tests_tell_draws_of_too_few_steps() -> None:
    x = Diffused(Exact(TRUTH), euler(), karras(8, 0.01, 80.0), (2,))(N, generator=0)
    y = TRUTH.sample(N, generator=1)
    assert c2st(x, y, largest=N).p < 1e-3
    assert mmd_test(x, y, permutations=200).p < 0.01


@cache
def reference() -> tuple[torch.Tensor, torch.Tensor]:
    x = 20 * torch.randn(200, 2, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    *_, fine = heun()(Exact(TRUTH), x, karras(4001, 0.05, 20.0)[:-1], torch.Tensor)
    return x, fine


@pytest.mark.parametrize(
    ("rule", "order"),
    [(euler(), 1), (ddim(), 1), (heun(), 2), (dpm_solver(), 2)],
    ids=["euler", "ddim", "heun", "dpm++"],
)
def test_the_error_falls_with_the_published_order(rule: Rule, order: int) -> None:
    """The slope of log error against log steps, from the same start, against 4000 steps of Heun's."""
    steps = torch.tensor([80.0, 160.0, 320.0, 640.0])
    x, fine = reference()
    errors = []
    for k in steps.int().tolist():
        *_, coarse = rule(Exact(TRUTH), x, karras(k + 1, 0.05, 20.0)[:-1], torch.Tensor)
        errors.append((coarse - fine).square().mean().sqrt())
    log_k, log_e = steps.log(), torch.stack(errors).log().float()
    slope = -float(((log_k - log_k.mean()) * (log_e - log_e.mean())).sum() / (log_k - log_k.mean()).square().sum())
    assert slope == pytest.approx(order, abs=0.2), errors


@pytest.mark.parametrize("name", RULES)
def test_a_state_at_every_level_and_each_draw_from_its_own_stream(name: str) -> None:
    make, levels = RULES[name]
    short = torch.cat((levels[:: len(levels) // 10], levels.new_zeros(1)))
    sampler = Diffused(Exact(TRUTH), make(), short[:-1] if short[-2] == 0 else short, (2,))
    states = list(sampler.states(5, generator=3))
    assert len(states) == len(sampler.sigmas)
    torch.testing.assert_close(sampler(9, generator=3)[:5], states[-1])
