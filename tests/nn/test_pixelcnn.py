"""A pixel's outputs depend on all pixels before it and on no other; features computed once are those of `forward`."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from likeness.errors import InputError
from likeness.nn.pixelcnn import GatedPixelCNN


def depends(net: GatedPixelCNN, h: int, w: int, y: Tensor | None = None) -> Tensor:
    """(h w, h w): whether the outputs of a pixel depend on another, both counted row by row."""
    x = torch.randn(1, net.channels, h, w, dtype=torch.double)
    net = net.double()
    J = torch.autograd.functional.jacobian(lambda x: net(x, y)[0], x)[:, :, :, 0]
    return (J.abs().amax((0, 3)) > 0).reshape(h * w, h * w)


@pytest.mark.parametrize(("channels", "classes", "dilations"), [(1, 0, (1,)), (3, 2, (1,)), (1, 0, (1, 2))])
@pytest.mark.parametrize(("h", "w"), [(4, 4), (3, 6), (5, 3)])
def test_outputs_depend_on_exactly_the_pixels_before(
    h: int, w: int, channels: int, classes: int, dilations: tuple[int, ...]
) -> None:
    net = GatedPixelCNN(channels, 2, filters=24, layers=6, reach=2, dilations=dilations, classes=classes)
    found = depends(net, h, w, torch.tensor([1]) if classes else None)
    assert torch.equal(found, torch.ones(h * w, h * w).tril(-1).bool())


@pytest.mark.parametrize("layers", [1, 2])
def test_a_shallow_network_sees_near_pixels_without_a_blind_spot(layers: int) -> None:
    """Of the rows above it sees a widening cone, also to the right, which masked convolutions would not."""
    h, w = 7, 7
    found = depends(GatedPixelCNN(1, 2, filters=24, layers=layers, reach=1), h, w).reshape(h, w, h, w)
    far = layers  # each reaches one further
    for i, j in ((4, 3), (6, 0)):
        seen = {(int(a), int(b)) for a, b in found[i, j].nonzero()}
        above = {(a, b) for a in range(max(0, i - far), i) for b in range(max(0, j - far), min(w, j + far + 1))}
        left = {(i, b) for b in range(max(0, j - far), j)}
        assert seen == above | left


@settings(deadline=None, max_examples=20)
@given(
    h=st.integers(1, 6),
    w=st.integers(1, 6),
    channels=st.sampled_from([1, 3]),
    classes=st.sampled_from([0, 3]),
    layers=st.integers(1, 4),
    reach=st.integers(1, 3),
    dilations=st.sampled_from([(1,), (1, 2, 4)]),
)
def test_features_computed_once_are_those_of_the_whole(
    *, h: int, w: int, channels: int, classes: int, layers: int, reach: int, dilations: tuple[int, ...]
) -> None:
    torch.manual_seed(h * w)
    net = GatedPixelCNN(channels, 4, filters=5, layers=layers, reach=reach, dilations=dilations, classes=classes)
    x, y = torch.randn(3, channels, h, w), torch.randint(3, (3,)) if classes else None
    with torch.no_grad():
        whole, drawing, found = net(x, y), net.drawing(3, w, y), torch.zeros(3, 4, h, w)
        for i in range(h):
            drawing.row(x[:, :, i - 1] if i else None)
            for j in range(w):
                found[:, :, i, j] = drawing.pixel(x[:, :, i, j - 1] if j else None)
    torch.testing.assert_close(found, whole, rtol=1e-5, atol=1e-5)


def test_a_class_changes_every_pixel_and_both_stacks() -> None:
    net = GatedPixelCNN(1, 2, filters=4, layers=2, classes=2)
    x = torch.randn(1, 1, 5, 5)
    a, b = (net(x, torch.tensor([c])) for c in (0, 1))
    assert ((a - b).abs().amax((0, 1)) > 0).all()
    a.sum().backward()
    assert all((layer.embed.weight.grad[0] != 0).any() for layer in net.layers)
    assert (net.layers[0].embed.weight.grad[0, :8] != 0).any(), "the vertical half too"


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="0 layers"):
        GatedPixelCNN(1, 2, layers=0)
    with pytest.raises(InputError, match="conditional on 2 classes"):
        GatedPixelCNN(1, 2, classes=2).drawing(1, 4)
    with pytest.raises(InputError, match="built without classes"):
        GatedPixelCNN(1, 2)(torch.zeros(1, 1, 4, 4), torch.zeros(1, dtype=torch.long))
