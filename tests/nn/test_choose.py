"""Networks chosen from the shape of a sample."""

import pytest
import torch

from likeness.errors import InputError
from likeness.nn import critic_for, denoiser_net_for, encoder_net_for, generator_for
from likeness.nn.alexnet import SmallAlexNet
from likeness.nn.resnet_encoder import ResNetEncoder
from likeness.nn.small_cnn import SmallCNN
from likeness.nn.vit import ViT


@pytest.mark.parametrize("event", [(3,), (1, 8, 8), (3, 32, 32)])
@pytest.mark.parametrize("classes", [0, 4])
def test_generator_and_critic_fit_the_event_and_each_other(event: tuple[int, ...], classes: int) -> None:
    G = generator_for(event, d_z=6, classes=classes, width=4)
    D = critic_for(event, classes=classes, width=4, spectral=True, minibatch_std=True)
    y = torch.tensor([0, 3]) if classes else None
    x = G(torch.randn(2, 6), y)
    assert x.shape == (2, *event)
    assert D(x, y).shape == (2,)
    assert D.features(x, y).shape == (2, D.feature_size)


@pytest.mark.parametrize(
    ("event", "levels", "attention"),
    [((1, 8, 8), 2, [4]), ((1, 28, 28), 3, [14, 7]), ((3, 32, 32), 3, [16, 8]), ((3, 64, 64), 4, [16, 8])],
)
def test_networks_of_diffusion_fit_the_event(event: tuple[int, ...], levels: int, attention: list[int]) -> None:
    F = denoiser_net_for(event, outputs=2, classes=3, width=4)
    assert (len(F.plan.multipliers), F.plan.attention) == (levels, attention)
    assert F(torch.randn(1, *event), torch.zeros(1), torch.tensor([2])).shape == (1, 2 * event[0], *event[1:])
    assert denoiser_net_for((3,), outputs=2)(torch.randn(2, 3), torch.zeros(2)).shape == (2, 6)


def test_they_stop_at_an_odd_side_on_the_way_down() -> None:
    assert len(denoiser_net_for((1, 18, 18), width=4).plan.multipliers) == 2
    assert len(denoiser_net_for((1, 7, 7), width=4).plan.multipliers) == 1
    with pytest.raises(InputError, match="squares"):
        denoiser_net_for((1, 8, 12))


@pytest.mark.parametrize("event", [(), (3, 4), (1, 2, 3, 4)])
def test_other_events_are_refused(event: tuple[int, ...]) -> None:
    chosen = (critic_for, denoiser_net_for, encoder_net_for)
    for make in (lambda: generator_for(event, d_z=2), *(lambda net=net: net(event) for net in chosen)):
        with pytest.raises(InputError, match="samples of shape"):
            make()


@pytest.mark.parametrize(
    ("event", "kind"),
    [((1, 8, 8), SmallCNN), ((3, 32, 32), SmallCNN), ((1, 32, 100), ResNetEncoder), ((3, 64, 64), ResNetEncoder)],
)
def test_encoders_fit_the_event(event: tuple[int, ...], kind: type) -> None:
    f = encoder_net_for(event, d=16)
    assert isinstance(f, kind)
    assert f.d == 16
    assert f(torch.randn(2, *event)).shape == (2, 16)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("small", SmallCNN),
        ("resnet18", ResNetEncoder),
        ("resnet50", ResNetEncoder),
        ("alexnet", SmallAlexNet),
        ("vit", ViT),
    ],
)
def test_encoders_by_their_name(name: str, kind: type) -> None:
    for event in ((1, 28, 28), (3, 16, 24)):
        f = encoder_net_for(event, name, 64)
        assert isinstance(f, kind)
        assert f.d == 64
        assert f(torch.randn(2, *event)).shape == (2, 64)


def test_encoders_of_vectors_and_stems_of_larger_images() -> None:
    f = encoder_net_for((7,), d=5)
    assert (f.d, f(torch.randn(3, 7)).shape) == (5, (3, 5))
    assert encoder_net_for((3, 64, 64), d=8).conv1.kernel_size == (3, 3)
    assert encoder_net_for((3, 96, 96), d=8).conv1.kernel_size == (7, 7)
    assert [encoder_net_for((1, s, s), "vit", 32).patch for s in (8, 28, 32, 64, 96)] == [1, 2, 2, 4, 6]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (((1, 28, 28), "resnet19", None), "unknown encoder 'resnet19': did you mean resnet18"),
        (((1, 28, 28), "resnet18", 100), "give a multiple of 8"),
        (((1, 28, 28), "vit", 100), "give a multiple of 32"),
        (((1, 29, 29), "vit", 32), "29×29 cannot be cut"),
        (((1, 28, 28), None, 0), "features of 0 numbers"),
        (((7,), "small", None), "for vectors of 7 numbers"),
    ],
)
def test_encoders_that_cannot_be_built_are_refused(given: tuple, words: str) -> None:
    with pytest.raises(InputError, match=words):
        encoder_net_for(*given)
