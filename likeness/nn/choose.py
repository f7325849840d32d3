"""Sensible networks for the shape of one sample: a perceptron for a vector, convolutions for an image."""

from torch import nn

from likeness.errors import InputError
from likeness.nn.dcgan import ConvCritic, ConvGenerator
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


def _is_vector(event: tuple[int, ...]) -> bool:
    if len(event) not in (1, 3):
        raise InputError(f"samples of shape {event}: networks exist for (d,) and (channels, height, width)")
    return len(event) == 1
