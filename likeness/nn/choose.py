"""Sensible networks for the shape of one sample: a perceptron for a vector, convolutions for an image."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor, nn

from likeness.errors import InputError, unknown
from likeness.nn.adm_unet import Plan, UNet
from likeness.nn.alexnet import SmallAlexNet
from likeness.nn.dcgan import ConvCritic, ConvGenerator
from likeness.nn.resnet_encoder import ResNetEncoder, resnet18, resnet50
from likeness.nn.small_cnn import SmallCNN
from likeness.nn.time_mlp import TimeMLP
from likeness.nn.vector import MLP, VectorCritic
from likeness.nn.vit import ViT


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


def encoder_net_for(event: tuple[int, ...], name: str | None = None, d: int | None = None) -> nn.Module:
    """A network from samples (n, *event) to features (n, d), which learns a representation; it says `d`.

    Args:
        event: the shape of a sample; images need not be square.
        name: "small", "resnet18", "resnet50", "alexnet" or "vit"; None takes the small one for images of up to 32
            pixels, ResNet-18 for larger ones. Vectors have a perceptron.
        d: numbers of a feature; None takes what the network usually has.

    Raises:
        InputError: the event is neither (d,) nor (c, h, w), the name is not known, or such a network has no such d.
    """
    if d is not None and d < 1:
        raise InputError(f"features of {d} numbers: give 1 or more")
    if _is_vector(event):
        if name is not None:
            raise InputError(f"encoder {name} for vectors of {event[0]} numbers: it is one of images, leave it out")
        return _VectorEncoder(event[0], d or 128)
    name = name or ("small" if max(event[1:]) <= 32 else "resnet18")
    if name not in ENCODERS:
        raise unknown("encoder", name, ENCODERS)
    return ENCODERS[name](event, d)


class _VectorEncoder(nn.Module):
    def __init__(self, d_in: int, d: int) -> None:
        super().__init__()
        self.d, self.body = d, MLP(d_in, d)

    def forward(self, x: Float[Tensor, "n d_in"]) -> Float[Tensor, "n d"]:
        return self.body(x)


def _residual(make: Callable[..., ResNetEncoder], wider: int) -> Callable[[tuple[int, ...], int | None], nn.Module]:
    """Of the width that gives d; with the stem of small images up to 64 pixels, where four halvings are enough."""

    def build(event: tuple[int, ...], d: int | None) -> nn.Module:
        width, rest = divmod(d or 64 * wider, wider)
        if rest:
            raise InputError(f"features of {d} numbers from this residual network: give a multiple of {wider}")
        return make(event[0], width=width, small=max(event[1:]) <= 64)

    return build


def _patched(event: tuple[int, ...], d: int | None) -> nn.Module:
    """Patches of the smallest side that leaves at most 16 rows and columns of them."""
    d, (short, long) = d or 192, sorted(event[1:])
    if d % 32:
        raise InputError(f"features of {d} numbers from a ViT: give a multiple of 32")
    fitting = [p for p in range(1, short // 4 + 1) if short % p == long % p == 0 and long // p <= 16]
    if not fitting:
        raise InputError(
            f"images of {event[1]}×{event[2]} cannot be cut into 4 to 16 rows and columns of square patches: resize "
            "them, to a multiple of 16 pixels for example"
        )
    return ViT(event[0], side=short, patch=fitting[0], d=d, layers=6, heads=d // 32)


ENCODERS: dict[str, Callable[[tuple[int, ...], int | None], nn.Module]] = {
    "small": lambda event, d: SmallCNN(event[0], d=d or 128),
    "resnet18": _residual(resnet18, 8),
    "resnet50": _residual(resnet50, 32),
    "alexnet": lambda event, d: SmallAlexNet(event[0], d=d or 4096),
    "vit": _patched,
}


def _is_vector(event: tuple[int, ...]) -> bool:
    if len(event) not in (1, 3):
        raise InputError(f"samples of shape {event}: networks exist for (d,) and (channels, height, width)")
    return len(event) == 1
