import pytest
import torch

from likeness.diffusion.weights import inverse_square
from likeness.recipes.denoising import (
    IMAGES,
    LOSSES,
    OWN,
    SCHEDULES,
    VECTORS,
    parameterisation,
    perceptron,
    transformer,
    unet,
    weight,
)

SIGMA = torch.tensor([0.1, 1.0, 10.0], dtype=torch.double)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_has_its_weight(name: str) -> None:
    found = weight(name, 0.5)
    if name == "vlb":
        assert found is None
    else:
        assert (found(SIGMA) > 0).all()
    assert (LOSSES[name].bound > 0) == (name in ("hybrid", "vlb"))


@pytest.mark.parametrize("predict", OWN)
def test_the_own_loss_of_a_prediction_is_its_squared_error(predict: str) -> None:
    row = parameterisation(predict, 0.7)
    torch.testing.assert_close(weight(OWN[predict], 0.7)(SIGMA) * row.c_out(SIGMA).square(), torch.ones_like(SIGMA))


def test_presets_grow_and_networks_fit_the_side() -> None:
    assert weight("simple", 1.0) is inverse_square
    for rows in (IMAGES, VECTORS):
        assert [p.steps for p in rows.values()] == sorted(p.steps for p in rows.values())
    x, t = torch.zeros(2, 1, 28, 28), torch.zeros(2)
    assert unet((1, 28, 28), IMAGES["laptop"], 32, outputs=2, classes=0)(x, t).shape == (2, 2, 28, 28)
    odd = unet((1, 6, 6), IMAGES["laptop"], 32, outputs=1, classes=0)
    assert odd(torch.zeros(2, 1, 6, 6), t).shape == (2, 1, 6, 6)
    assert transformer((1, 28, 28), IMAGES["toy"], 8, outputs=2, classes=0)(x, t).shape == (2, 2, 28, 28)
    assert perceptron((3,), VECTORS["toy"], 16, outputs=2, classes=0)(torch.zeros(2, 3), t).shape == (2, 6)


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_has_levels_to_draw(name: str) -> None:
    sigmas = SCHEDULES[name](100).levels(10)
    assert len(sigmas) == 11
    assert float(sigmas[-1]) == 0
