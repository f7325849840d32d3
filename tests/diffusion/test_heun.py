import pytest
import torch
from torch import Tensor

from likeness.data.truth import Mixture
from likeness.diffusion.ddim import ddim
from likeness.diffusion.heun import Churn, euler, heun
from likeness.diffusion.oracle import Exact
from likeness.diffusion.sampler import Diffused
from likeness.diffusion.schedules import karras
from likeness.errors import InputError

TRUTH = Mixture(torch.tensor([[1.0, -1.0], [-2.0, 0.5]]), 0.4)


def published(D: Exact, x: Tensor, levels: list[float], noises: list[Tensor], churn: tuple[float, ...]) -> Tensor:
    """Algorithm 2, line by line."""
    S_churn, S_tmin, S_tmax, S_noise = churn
    N = len(levels) - 1
    for i in range(N):
        t, t_next = levels[i], levels[i + 1]
        gamma = min(S_churn / N, 2**0.5 - 1) if S_tmin <= t <= S_tmax else 0.0
        t_hat = t + gamma * t
        if gamma:
            x = x + (t_hat**2 - t**2) ** 0.5 * S_noise * noises.pop(0)
        d = (x - D(x, x.new_full((len(x),), t_hat))) / t_hat
        x_next = x + (t_next - t_hat) * d
        if t_next != 0:
            d_next = (x_next - D(x_next, x.new_full((len(x),), t_next))) / t_next
            x_next = x + (t_next - t_hat) * (d / 2 + d_next / 2)
        x = x_next
    return x


@pytest.mark.parametrize("churn", [(0.0, 0.0, torch.inf, 1.0), (5.0, 0.05, 3.0, 1.007), (90.0, 0.0, torch.inf, 1.0)])
def test_it_is_algorithm_2(churn: tuple[float, ...]) -> None:
    D, levels = Exact(TRUTH), karras(12, 0.01, 10.0)
    x, noises = 10 * torch.randn(20, 2, dtype=torch.double), list(torch.randn(12, 20, 2, dtype=torch.double))
    rule = heun(S_churn=churn[0], S_tmin=churn[1], S_tmax=churn[2], S_noise=churn[3])
    *_, mine = rule(D, x, levels, iter(noises).__next__)
    torch.testing.assert_close(mine, published(D, x, levels.tolist(), list(noises), churn), rtol=1e-9, atol=1e-9)


def test_euler_is_ddim_without_noise() -> None:
    D, levels = Exact(TRUTH), karras(10, 0.01, 10.0)
    x = 10 * torch.randn(20, 2, dtype=torch.double)
    for mine, theirs in zip(euler()(D, x, levels, torch.Tensor), ddim()(D, x, levels, torch.Tensor), strict=True):
        torch.testing.assert_close(mine, theirs)


def test_heun_is_exact_where_the_paths_are_straight() -> None:
    """For one point x₀ the flow is a straight line to it, for both rules, in one step."""
    x = torch.randn(4, 3)
    for rule in (euler(), heun()):
        first, last = rule(lambda x, s: torch.full_like(x, 0.3), x, torch.tensor([5.0, 1.0, 0.0]), torch.Tensor)
        torch.testing.assert_close(first, 0.3 + (x - 0.3) / 5)
        torch.testing.assert_close(last, torch.full_like(x, 0.3))


def test_churn_lies_where_it_is_asked_for() -> None:
    churn = Churn(10.0, 0.1, 1.0)
    assert [churn.gamma(s, 100) for s in (2.0, 1.0, 0.1, 0.05)] == [0, 0.1, 0.1, 0]
    assert churn.gamma(1.0, 2) == pytest.approx(2**0.5 - 1)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"S_churn": -1.0}, "S_churn -1"),
        ({"S_churn": float("nan")}, "S_churn nan"),
        ({"S_churn": 1.0, "S_tmin": 2.0, "S_tmax": 1.0}, "level 2 to 1"),
        ({"S_noise": 0.0}, "S_noise 0"),
    ],
)
def test_churn_out_of_range_is_named(wrong: dict[str, float], said: str) -> None:
    for make in (heun, euler):
        with pytest.raises(InputError, match=said):
            make(**wrong)


def test_churn_keeps_the_law() -> None:
    """Noise that is added and taken away again leaves a Gaussian its moments."""
    truth = Mixture(torch.tensor([[1.0, 2.0]]), torch.tensor([[[1.0, 0.0], [0.6, 0.5]]]))
    sampler = Diffused(Exact(truth), heun(S_churn=20.0), karras(60, 0.005, 30.0), (2,))
    x = sampler(20_000, generator=0)
    torch.testing.assert_close(x.mean(0), truth.means[0], atol=0.04, rtol=0)
    L = truth.scales[0]
    torch.testing.assert_close(torch.cov(x.T), L @ L.T, atol=0.03, rtol=0.03)
