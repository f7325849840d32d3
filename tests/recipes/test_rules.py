import pytest
import torch

from likeness.data.toys import ring
from likeness.diffusion.oracle import Exact
from likeness.diffusion.sampler import Diffused
from likeness.diffusion.schedules import cosine
from likeness.diffusion.transitions import large
from likeness.errors import InputError
from likeness.recipes.rules import RULES, rule

LEVELS = cosine(1000).levels(12)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_shows_every_level_and_calls_the_denoiser_as_often_as_it_says(name: str) -> None:
    exact, calls = Exact(ring(8)), []

    def counted(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        calls.append(float(sigma[0]))
        return exact(x, sigma)

    states = list(Diffused(counted, rule(name, {}), LEVELS, (2,)).states(4, generator=0))
    assert len(states) == len(LEVELS)
    assert all(state.shape == (4, 2) and state.isfinite().all() for state in states)
    wanted = RULES[name].calls * 12
    assert wanted - 1 <= len(calls) <= wanted


@pytest.mark.parametrize("name", RULES)
def test_a_draw_depends_on_the_seed_and_its_number_alone(name: str) -> None:
    sampler = Diffused(Exact(ring(8)), rule(name, {}), LEVELS, (2,))
    torch.testing.assert_close(sampler(3, generator=5), sampler(7, generator=5)[:3])
    assert not torch.allclose(sampler(3, generator=5), sampler(3, generator=6))


def test_options_reach_the_rule() -> None:
    D = Exact(ring(8))
    with_noise = rule("ddim", {"eta": 1.0, "variance": None})
    (a,), (b,) = (
        list(r(D, torch.ones(2, 2), LEVELS[:2], lambda: torch.ones(2, 2))) for r in (with_noise, rule("ddpm", {}))
    )
    torch.testing.assert_close(a, b)
    (wide,) = rule("ddpm", {"variance": large})(D, torch.ones(2, 2), LEVELS[:2], lambda: torch.ones(2, 2))
    assert (wide > b).all()


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("ddmp", {}, "did you mean ddpm"),
        ("heun", {"eta": 0.5}, "eta 0.5: the rule heun takes none, ddim and dpm"),
        ("ddim", {"eta": 7.0}, "eta 7"),
        ("euler", {"S_churn": -2.0}, "S_churn -2"),
    ],
)
def test_what_a_rule_does_not_take_is_named(name: str, options: dict[str, float], said: str) -> None:
    with pytest.raises(InputError, match=said):
        rule(name, options)
