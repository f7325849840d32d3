"""Sensible networks for the shape of one sample: a perceptron for a vector, convolutions for an image."""

from torch import nn

from likeness.errors import InputError
from likeness.nn.adm_unet import Plan, UNet
from likeness.nn.dcgan import ConvCritic, ConvGenerator
from likeness.nn.time_mlp import TimeMLP
from likeness.nn.vector import MLP, VectorCritic


def generator_for(event: tuple[int, ...], *, d_z: int, classes: int = 0, width: int | None = None) -> nn.Module:
    """A network from latent vectors (n, d_z) to samples (n, *event); images lie in [-1, 1].

    Raises:
        InputError: the event is neither (d,) nor (c, h, w) of a size that the convolutional networks take.
    """
    if _is_vector(event):
        return MLP(d_z, event[0], width=width or 128, classes=classes)
    return ConvGenerator(event, d_z=d_z, width=width or 64, classes=classes)


def critic_for(
    event: tuple[int, ...],
    *,
    classes: int = 0,
    width: int | None = None,
    spectral: bool = False,
    minibatch_std: bool = False,
) -> nn.Module:
    """A critic of samples (n, *event), the opponent of `generator_for(event)`.

    Raises:
        InputError: as for `generator_for`.
    """
    if _is_vector(event):
        d, width = event[0], width or 128
        return VectorCritic(d, width=width, classes=classes, spectral=spectral, minibatch_std=minibatch_std)
    return ConvCritic(event, width=width or 64, classes=classes, spectral=spectral, minibatch_std=minibatch_std)


def denoiser_net_for(
    event: tuple[int, ...], *, outputs: int = 1, classes: int = 0, width: int | None = None
) -> nn.Module:
    """F(x, t, y) for noisy samples (n, *event): a perceptron, or a U-Net that halves an image down to a side of 4 to 8.

    It stops before, at a side that is odd. There is attention where the side is 16 or less, but not at the image's own.

    Raises:
        InputError: the event is neither (d,) nor a square image.
    """
    if _is_vector(event):
        return TimeMLP(event[0], outputs=outputs, classes=classes, width=width or 128)
    width, sides = width or 32, [event[1]]
    while sides[-1] % 2 == 0 and (sides[-1] > 8 or (len(sides) == 1 and sides[0] > 4)):
        sides.append(sides[-1] // 2)
    plan = Plan(width, (1, *[2] * (len(sides) - 1)), 1, [s for s in sides[1:] if s <= 16], head_channels=min(64, width))
    return UNet(event, outputs=outputs, classes=classes, plan=plan)


def _is_vector(event: tuple[int, ...]) -> bool:
    if len(event) not in (1, 3):
        raise InputError(f"samples of shape {event}: networks exist for (d,) and (channels, height, width)")
    return len(event) == 1
