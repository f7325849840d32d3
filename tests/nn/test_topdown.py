"""Ways up and down agree in their shapes, one level is the encoder and the decoder, and a sample is its own."""

import pytest
import torch
from torch import Tensor

from likeness.errors import InputError
from likeness.nn.coding import decoder_for, encoder_for
from likeness.nn.precision import lower
from likeness.nn.topdown import bottom_up_for, latent_shapes, top_down_for

EVENTS = [(5,), (1, 8, 8), (3, 32, 32), (1, 28, 28)]


class Asked:
    """Answers with noise that is the same for a sample in any batch, and keeps what it was asked with."""

    def __init__(self, shapes: list[tuple[int, ...]], n: int = 4) -> None:
        self.noise = [torch.randn(n, *shape).flatten(1) for shape in shapes]
        self.prior: list[Tensor | None] = []
        self.posterior: list[Tensor | None] = []

    def __call__(self, prior: Tensor | None, posterior: Tensor | None) -> Tensor:
        z = self.noise[len(self.prior)]
        self.prior.append(prior)
        self.posterior.append(posterior)
        return z if posterior is None else z[: len(posterior)]


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("classes", [0, 3])
def test_up_and_down_agree(event: tuple[int, ...], levels: int, classes: int) -> None:
    y = torch.arange(4) % 3 if classes else None
    E = bottom_up_for(event, d_z=3, levels=levels, width=4, classes=classes)
    D = top_down_for(event, d_z=3, levels=levels, outputs=2, width=4, classes=classes)
    shapes = latent_shapes(event, d_z=3, levels=levels)
    features, asked = E(torch.randn(4, *event), y), Asked(shapes)
    assert len(features) == len(shapes) == levels
    assert D(asked, features, y).shape == (4, 2 * event[0], *event[1:])
    assert asked.prior[0] is None
    for z, p, q in list(zip(asked.noise, asked.prior, asked.posterior))[1:]:
        assert p.shape == q.shape == (4, 2 * z.shape[1])
    drawn = Asked(shapes)
    D(drawn, None, y)
    assert drawn.posterior == [None] * levels


@pytest.mark.parametrize("event", EVENTS)
def test_one_level_is_the_encoder_and_the_decoder(event: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    E, D = encoder_for(event, 6, width=4), decoder_for(event, d_z=3, width=4)
    torch.manual_seed(0)
    up, down = bottom_up_for(event, d_z=3, levels=1, width=4), top_down_for(event, d_z=3, levels=1, width=4)
    x, z = torch.randn(4, *event), torch.randn(4, 3)
    assert torch.equal(up(x)[0], E(x))
    assert torch.equal(down(lambda p, q: z), D(z))


@pytest.mark.parametrize("event", [(5,), (1, 8, 8)])
def test_in_evaluation_mode_a_sample_is_its_own_and_its_class_matters(event: tuple[int, ...]) -> None:
    E = bottom_up_for(event, d_z=3, levels=3, width=4, classes=3).eval()
    D = top_down_for(event, d_z=3, levels=3, width=4, classes=3).eval()
    x, y, asked = torch.randn(4, *event), torch.arange(4) % 3, Asked(latent_shapes(event, d_z=3, levels=3))
    whole = D(asked, E(x, y), y)
    asked.prior.clear()
    torch.testing.assert_close(whole[:2], D(asked, E(x[:2], y[:2]), y[:2]))
    asked.prior.clear()
    assert not torch.allclose(whole, D(asked, E(x, y), (y + 1) % 3))


def test_latents_of_every_level_reach_the_sample() -> None:
    for event in ((5,), (1, 28, 28)):
        shapes = latent_shapes(event, d_z=3, levels=4)
        D, asked = top_down_for(event, d_z=3, levels=4, width=4).eval(), Asked(shapes)
        first = D(asked)
        for noise in asked.noise:
            noise += 1
            asked.prior.clear()
            again = D(asked)
            assert not torch.allclose(first, again)
            first = again


def test_maps_below_the_top_double_up_to_half_the_resolution() -> None:
    assert latent_shapes((1, 28, 28), d_z=8, levels=4) == [(8,), (4, 7, 7), (4, 14, 14), (4, 14, 14)]
    assert latent_shapes((3, 32, 32), d_z=8, levels=4) == [(8,), (4, 4, 4), (4, 8, 8), (4, 16, 16)]
    assert latent_shapes((6,), d_z=2, levels=3) == [(2,)] * 3
    with pytest.raises(InputError, match="0 levels"):
        latent_shapes((6,), d_z=2, levels=0)


def test_what_is_handed_over_is_float32_whatever_is_computed_in() -> None:
    D, asked = top_down_for((1, 8, 8), d_z=3, levels=3, width=4), Asked(latent_shapes((1, 8, 8), d_z=3, levels=3))
    lower(D)
    assert D(asked).dtype == torch.float32
    assert {p.dtype for p in asked.prior[1:]} == {torch.float32}
