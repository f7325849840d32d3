"""Every choice that is left open is made by the data, none that was made is changed, and all losses train."""

from dataclasses import replace

import pytest
import torch

from likeness.data.batch import Batch
from likeness.errors import InputError
from likeness.gan.losses import LOSSES
from likeness.recipes.common import Facts, Model
from likeness.recipes.gan import PENALTIES, Settings, build, fitting
from likeness.sampling import draw
from likeness.testing import check_method

POINTS = Facts("vectors", (2,), (), (), 1000)
PICTURES = Facts("images", (1, 8, 8), ("a", "b", "c"), (5, 3, 2), 10)
SMALL = Settings(data="x", device="cpu", steps=10, batch_size=8, width=8, d_z=4)


@pytest.mark.parametrize("facts", [POINTS, PICTURES])
def test_open_choices_are_made_and_others_kept(facts: Facts) -> None:
    made = fitting(Settings(data="x", lr_d=0.5), facts)
    assert made.lr_d == 0.5
    for name in ("steps", "batch_size", "lr_g", "d_z", "width", "penalty_weight", "penalty_every"):
        assert getattr(made, name) is not None, name
    assert made.batch_size <= facts.n_train
    assert fitting(made, facts) == made


def test_classes_are_needed_for_a_conditional_model() -> None:
    with pytest.raises(InputError, match="--conditional needs labels"):
        fitting(Settings(data="x", conditional=True), POINTS)


def model(facts: Facts, **changed: object) -> Model:
    return build(fitting(replace(SMALL, **changed), facts), facts)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_keeps_the_contract(loss: str) -> None:
    def game() -> torch.nn.Module:
        return model(POINTS, loss=loss.replace("_", "-")).learner.method

    def optimisers(gan: torch.nn.Module) -> dict[torch.nn.Module, torch.optim.Optimizer]:
        return {player: torch.optim.Adam(player.parameters(), 1e-3) for player in (gan.D, gan.G)}

    shiftless = loss in ("hinge", "wasserstein", "relativistic")  # these see differences of logits alone
    idle = ["D.head.linear.bias"] if shiftless else []
    check_method(game, Batch(torch.randn(16, 2)), optimisers, idle=idle)


@pytest.mark.parametrize("penalty", PENALTIES)
def test_every_penalty_is_a_term(penalty: str) -> None:
    gan = model(POINTS, penalty=penalty).learner.method
    terms = next(iter(gan.updates(Batch(torch.randn(16, 2)))))[1]()
    assert set(terms) == {"critic"} | {p.__name__ for p in PENALTIES[penalty]}


def test_draws_are_those_of_the_averaged_generator() -> None:
    made = model(POINTS, ema=0.9)
    before = draw(made.sampler, 5, generator=0)
    with torch.no_grad():
        for p in made.learner.method.G.parameters():
            p.zero_()
    assert torch.equal(before, draw(made.sampler, 5, generator=0))
    made.learner.after()
    assert not torch.equal(before, draw(made.sampler, 5, generator=0))


def test_a_conditional_model_draws_every_class_by_its_frequency() -> None:
    made = model(PICTURES, conditional=True)
    assert draw(made.sampler, 6, generator=0).shape == (6, 1, 8, 8)
    assert made.decode is None, "its latent space alone does not decide a sample"


def test_a_critic_that_starves_the_generator_is_told() -> None:
    made = model(POINTS)
    found = [f for _ in range(12) for f in made.watch({"critic": 0.001})]
    assert {f.code for f in found} == {"critic-saturated"}
    assert model(POINTS, loss="wasserstein").watch is None


def test_instance_noise_falls_to_zero() -> None:
    gan = model(POINTS, instance_noise=0.4).learner.method
    assert [gan.instance_noise(i) for i in (0, 5, 10, 20)] == [0.4, 0.2, 0.0, 0.0]
