import pytest
import torch
from small_denoisers import Small

from likeness.diffusion.denoisers import PARAMETERISATIONS, Preconditioned
from likeness.diffusion.diffusion import Diffusion
from likeness.diffusion.schedules import cosine
from likeness.errors import InputError
from likeness.recipes.drawing import Drawing, How, default_steps, parts

FIVE = How("ddim", 5)


def drawing(*, drop: float = 0.0, classes: int = 0, how: How = FIVE, **given) -> Drawing:
    schedule = cosine(20)
    F = Small((3,), classes=classes + (drop > 0))
    D = Preconditioned(F, PARAMETERISATIONS["v"], schedule.told)
    rule, sigmas = parts(how, schedule)
    labels = torch.ones(classes) if classes else None
    method = Diffusion(D, schedule, (3,), rule=rule, sigmas=sigmas, labels=labels, drop=drop, **given)
    return Drawing(method.eval(), how)


def test_without_changes_it_draws_what_the_method_does() -> None:
    for made in (drawing(), drawing(classes=2), drawing(classes=2, drop=0.1)):
        torch.testing.assert_close(made(4, generator=0), made.method.sample(4, generator=0))


def test_what_is_changed_holds_for_that_call_alone() -> None:
    made = drawing()
    before = made(4, generator=0)
    assert len(list(made.states(4, generator=0, steps=9, rule="ddpm"))) == 10
    assert not torch.equal(made(4, generator=0, eta=1.0), before)
    assert torch.equal(made(4, generator=0), before)
    assert torch.equal(list(made.states(4, generator=0))[-1], before)


def test_another_rule_leaves_the_old_ones_noise_behind() -> None:
    made = drawing(how=How("ddim", 5, eta=0.5))
    assert made(2, generator=0, rule="ddpm").shape == (2, 3)
    with pytest.raises(InputError, match="eta"):
        made(2, rule="ddpm", eta=0.3)


def test_guidance_moves_draws_from_those_without_labels_through_those_with() -> None:
    made, y = drawing(classes=2, drop=0.1), torch.tensor([0, 1, 0])
    plain, conditional, guided = (made(3, generator=0, y=y, steps=1, scale=s) for s in (0.0, 1.0, 3.0))
    torch.testing.assert_close(guided, plain + 3 * (conditional - plain))


def test_what_cannot_be_drawn_is_refused_in_one_line() -> None:
    with pytest.raises(InputError, match="--scale 2 guides by labels"):
        drawing()(2, scale=2.0)
    with pytest.raises(InputError, match="21 sampling steps of a schedule of 20"):
        drawing()(2, steps=21)
    with pytest.raises(InputError, match="rule"):
        drawing()(2, rule="eulr")


def test_steps_of_a_rule_unless_there_are_fewer() -> None:
    assert default_steps("ddim") == 50
    assert default_steps("ddpm", 30) == 30
