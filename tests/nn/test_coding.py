"""Encoders and decoders: their shapes for every event, classes that matter, one sample's output its own."""

import pytest
import torch

from likeness.errors import InputError
from likeness.nn.coding import decoder_for, encoder_for


@pytest.mark.parametrize("event", [(5,), (1, 8, 8), (3, 32, 32), (1, 28, 28)])
@pytest.mark.parametrize("classes", [0, 3])
def test_shapes(event: tuple[int, ...], classes: int) -> None:
    y = torch.arange(4) % 3 if classes else None
    E = encoder_for(event, 6, width=4, classes=classes)
    assert E(torch.randn(4, *event), y).shape == (4, 6)
    D = decoder_for(event, d_z=3, outputs=2, width=4, classes=classes)
    assert D(torch.randn(4, 3), y).shape == (4, 2 * event[0], *event[1:])


@pytest.mark.parametrize("event", [(5,), (1, 8, 8)])
def test_in_evaluation_mode_a_sample_is_its_own_and_its_class_matters(event: tuple[int, ...]) -> None:
    x, z, y = torch.randn(4, *event), torch.randn(4, 3), torch.arange(4) % 3
    for network, given in ((encoder_for(event, 6, classes=3), x), (decoder_for(event, d_z=3, classes=3), z)):
        network.eval()
        torch.testing.assert_close(network(given, y)[:2], network(given[:2], y[:2]))
        assert not torch.allclose(network(given, y), network(given, (y + 1) % 3))


@pytest.mark.parametrize("event", [(5,), (1, 8, 8)])
def test_outputs_have_no_limits(event: tuple[int, ...]) -> None:
    D = decoder_for(event, d_z=3, width=4)
    with torch.no_grad():
        D.body[-1].bias += 50
    assert float(D(torch.randn(8, 3)).detach().min()) > 10


def test_images_that_cannot_be_halved_are_refused() -> None:
    with pytest.raises(InputError, match="resize"):
        encoder_for((1, 30, 30), 6)
