"""The code is a stack of maps of a stated shape, moves with the image, and is of that image alone."""

import pytest
import torch

from likeness.errors import InputError
from likeness.nn.spatial import SpatialDecoder, SpatialEncoder, latent_shape


@pytest.mark.parametrize(("event", "base"), [((1, 8, 8), 2), ((1, 28, 28), 7), ((3, 32, 32), 4)])
def test_shapes(event: tuple[int, ...], base: int) -> None:
    z = SpatialEncoder(event, 5, width=4)(torch.randn(2, *event))
    assert z.shape[1:] == latent_shape(event, 5) == (5, base, base)
    assert SpatialDecoder(event, 5, outputs=2, width=4)(z).shape == (2, 2 * event[0], *event[1:])


def test_an_image_moved_by_a_cell_has_its_code_moved_by_one() -> None:
    E = SpatialEncoder((1, 32, 32), 3, width=4)  # cells of 8 × 8
    x = torch.zeros(1, 1, 32, 32)
    x[..., 12:18, 12:18] = torch.randn(6, 6)
    moved = E(x.roll(8, 3)).roll(-1, 3)
    torch.testing.assert_close(moved[..., 1, 1], E(x)[..., 1, 1])
    assert not torch.allclose(E(x.roll(3, 3))[..., 1, 1], E(x)[..., 1, 1]), "which less than a cell does not"


def test_a_code_is_of_its_image_alone() -> None:
    E, x = SpatialEncoder((1, 8, 8), 3).train(), torch.randn(4, 1, 8, 8)
    torch.testing.assert_close(E(x)[:1], E(x[:1]))


def test_no_map_is_no_code() -> None:
    with pytest.raises(InputError, match="one or more"):
        latent_shape((1, 8, 8), 0)
