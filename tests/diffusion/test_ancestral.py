from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from likeness.data.truth import Mixture
from likeness.diffusion.ancestral import ancestral
from likeness.diffusion.ddim import ddim
from likeness.diffusion.denoisers import Prediction, over
from likeness.diffusion.oracle import Exact
from likeness.diffusion.sampler import Diffused
from likeness.diffusion.schedules import Discrete, cosine, linear
from likeness.diffusion.transitions import VARIANCES, large, learned, small
from likeness.errors import InputError


class Odd:
    """A denoiser without a meaning, with variances and a push if wanted."""

    def __init__(self, push: bool = False) -> None:
        self.push = push

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        return self.predict(x, sigma).x0

    def predict(self, x: Tensor, sigma: Tensor) -> Prediction:
        u = x / over(1 + sigma, x)
        g = u.cos() / over(1 + sigma.square(), x) if self.push else None
        return Prediction(u.sin(), u.sin() / 2 + 0.5, g)


def published(D: Odd, x: Tensor, schedule: Discrete, variance: str, noises: Iterator[Tensor]) -> Tensor:
    """DDPM with all the levels of a schedule as its code has it: in x_t = √ᾱ x₀ + √(1 − ᾱ) ε, by coefficients."""
    betas = schedule.betas
    kept = (1 - betas).cumprod(0)
    x_t = x * kept[-1].sqrt()
    for t in reversed(range(len(betas))):
        before = kept[t - 1] if t else torch.ones(()).double()
        sigma = (1 / kept[t] - 1).sqrt()
        seen = x_t / kept[t].sqrt()
        found = D.predict(seen, sigma.expand(len(x)))
        posterior = betas * (1 - torch.cat((kept.new_ones(1), kept[:-1]))) / (1 - kept)
        low = posterior[max(t, 1)].log()
        high = betas[t].log() if t or variance == "learned" else low
        log_variance = {"small": low, "large": high, "learned": found.v * high + (1 - found.v) * low}[variance]
        mean = before.sqrt() * betas[t] / (1 - kept[t]) * found.x0
        mean = mean + (1 - betas[t]).sqrt() * (1 - before) / (1 - kept[t]) * x_t
        if found.push is not None:
            mean = mean + log_variance.exp() * found.push / kept[t].sqrt()  # ∇ of x_t, not of x
        x_t = mean + (log_variance / 2).exp() * next(noises) if t else mean
    return x_t


@pytest.mark.parametrize("variance", VARIANCES)
@pytest.mark.parametrize("push", [False, True])
def test_it_is_the_published_chain(variance: str, push: bool) -> None:
    schedule, x = linear(40), torch.randn(6, 3, dtype=torch.double)
    noises = list(torch.randn(39, 6, 3, dtype=torch.double))
    *_, mine = ancestral(VARIANCES[variance])(Odd(push), x, schedule.levels(40), iter(noises).__next__)
    torch.testing.assert_close(mine, published(Odd(push), x, schedule, variance, iter(noises)), rtol=1e-7, atol=1e-7)


def test_small_variances_are_those_of_ddim_with_all_noise() -> None:
    D = Exact(Mixture(torch.randn(3, 2), 0.3))
    draws = [Diffused(D, rule, cosine(100).levels(20), (2,))(50, generator=0) for rule in (ancestral(), ddim(1.0))]
    torch.testing.assert_close(*draws, rtol=1e-4, atol=1e-5)


def test_small_variances_walk_exactly_to_a_point() -> None:
    """For data that are one point every step draws from the true law, however long it is."""
    point = torch.tensor([0.5, -1.0])
    levels = cosine(100).levels(4)
    states = list(Diffused(lambda x, s: point.expand_as(x), ancestral(small), levels, (2,)).states(20_000, generator=0))
    for x, sigma in zip(states[1:], levels.tolist()[1:], strict=True):
        torch.testing.assert_close(x.mean(0), point, atol=0.03 * sigma + 1e-6, rtol=0)
        torch.testing.assert_close(x.std(0), torch.full((2,), sigma), rtol=0.03, atol=1e-6)
    assert torch.equal(states[-1], point.expand(20_000, 2))


def test_large_variances_are_exact_for_standard_normal_data() -> None:
    """Every state has the deviation √(1 + σ²), however long the steps; small ones leave too little."""
    D, levels = Exact(Mixture(torch.zeros(1, 2), 1.0)), linear(1000).levels(5)
    stds = {}
    for variance in (small, large):
        states = list(Diffused(D, ancestral(variance), levels, (2,)).states(20_000, generator=1))
        stds[variance] = torch.stack([x.std() / (1 + s**2) ** 0.5 for x, s in zip(states, levels.tolist())][1:-1])
    torch.testing.assert_close(stds[large], torch.ones(4), atol=0.02, rtol=0)
    assert float(stds[small].min()) < 0.9


def test_what_was_never_learned_cannot_be_drawn_with() -> None:
    with pytest.raises(InputError, match="learned variances"):
        Diffused(Exact(Mixture(torch.zeros(1, 2), 1.0)), ancestral(learned), linear().levels(5), (2,))(2, generator=0)
