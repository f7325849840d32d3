import pytest
import torch
from torch import Tensor

from likeness.data.truth import Mixture
from likeness.diffusion.ancestral import ancestral
from likeness.diffusion.ddim import ddim
from likeness.diffusion.dpm_solver import dpm_solver
from likeness.diffusion.oracle import Exact
from likeness.diffusion.schedules import cosine, linear
from likeness.errors import InputError

TRUTH = Mixture(torch.tensor([[1.0, -1.0], [-2.0, 0.5]]), 0.4)


def published(D: Exact, x: Tensor, sigmas: Tensor, noises: list[Tensor] | None) -> Tensor:
    """Multistep (2M, midpoint), of the flow or with noises of the stochastic equation, in the unit α_t x₀ + σ_t ε."""
    a = (1 + sigmas.square()).rsqrt()
    s = sigmas * a
    lam = (a / s).log()
    x_t, seen = x * a[0], []
    for i in range(len(sigmas) - 1):
        seen.append(D(x_t / a[i], sigmas[i].expand(len(x))))
        h = lam[i + 1] - lam[i]
        D0, D1 = seen[-1], torch.zeros_like(x)
        if i > 0 and sigmas[i + 1] > 0:
            r = (lam[i] - lam[i - 1]) / h
            D1 = (seen[-1] - seen[-2]) / r
        if noises is None:
            x_t = s[i + 1] / s[i] * x_t - a[i + 1] * torch.expm1(-h) * (D0 + D1 / 2)
        else:
            x_t = s[i + 1] / s[i] * (-h).exp() * x_t - a[i + 1] * torch.expm1(-2 * h) * (D0 + D1 / 2)
            x_t = x_t + s[i + 1] * (-torch.expm1(-2 * h)).sqrt() * noises[i]
    return x_t


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_it_is_the_published_solver(eta: float) -> None:
    D, levels = Exact(TRUTH), linear().levels(15)
    x, noises = 100 * torch.randn(20, 2, dtype=torch.double), list(torch.randn(15, 20, 2, dtype=torch.double))
    *_, mine = dpm_solver(eta)(D, x, levels, iter(noises).__next__)
    torch.testing.assert_close(mine, published(D, x, levels, noises if eta else None), rtol=1e-8, atol=1e-8)


def test_its_first_step_is_of_first_order() -> None:
    D, levels = Exact(TRUTH), cosine(100).levels(10)[:2]
    x, z = torch.randn(2, 20, 2, dtype=torch.double)
    for eta, other in ((0.0, ddim()), (1.0, ancestral())):
        ((mine,), (theirs,)) = (list(rule(D, x, levels, lambda: z)) for rule in (dpm_solver(eta), other))
        torch.testing.assert_close(mine, theirs)


def test_a_denoiser_linear_in_log_sigma_is_extrapolated_to_the_middle_of_the_step() -> None:
    """D(x, σ) = ln σ: D̂ is its value half a step further, whatever the steps before."""
    levels = torch.tensor([8.0, 4.0, 1.0], dtype=torch.double)
    first, second = dpm_solver()(lambda x, s: s.log()[:, None].expand_as(x), torch.ones(1, 1).double(), levels, Tensor)
    middle = (torch.tensor(4.0).double().log() + 0) / 2
    torch.testing.assert_close(second, 0.25 * first + 0.75 * middle)


def test_eta_out_of_range_is_named() -> None:
    with pytest.raises(InputError, match="eta -1"):
        dpm_solver(-1.0)
