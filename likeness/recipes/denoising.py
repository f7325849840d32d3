"""What a person may ask of a diffusion model by name: levels, network, what it predicts, the loss."""

from collections.abc import Callable
from typing import NamedTuple

from torch import nn

from likeness.diffusion.denoisers import PARAMETERISATIONS, Function, Parameterisation, edm
from likeness.diffusion.schedules import Karras, Schedule, cosine, flow, linear
from likeness.diffusion.weights import WEIGHTS
from likeness.diffusion.weights import edm as edm_weight
from likeness.nn.adm_unet import UNet
from likeness.nn.dit import DiT
from likeness.nn.patches import Patched
from likeness.nn.time_mlp import TimeMLP

HYBRID = 0.001  # of the bound, beside the simple loss

SCHEDULES: dict[str, Callable[[int], Schedule]] = {
    "linear": linear,
    "cosine": cosine,
    "edm": lambda T: Karras(),
    "flow": lambda T: flow(),
}


class Loss(NamedTuple):
    """Weights of errors, by the name of their row in `weights`, and of the bound."""

    weight: str | None
    bound: float = 0.0


LOSSES = {
    "simple": Loss("noise"),
    "x0": Loss("x0"),
    "v": Loss("v"),
    "velocity": Loss("velocity"),
    "edm": Loss("edm"),
    "min-snr": Loss("min-snr"),
    "hybrid": Loss("noise", HYBRID),
    "vlb": Loss(None, 1.0),
}
OWN = {"noise": "simple", "x0": "x0", "v": "v", "velocity": "velocity", "edm": "edm"}  # of what a network predicts


class Preset(NamedTuple):
    """A size of network and training: `multipliers`, `blocks` and `attention` (times that the side is halved before)
    of a U-Net, `depth` of a perceptron."""

    width: int
    multipliers: tuple[int, ...]
    blocks: int
    attention: tuple[int, ...]
    T: int
    steps: int
    batch_size: int
    lr: float
    ema: float
    dropout: float = 0.0
    depth: int = 3


IMAGES = {
    "toy": Preset(32, (1, 2), 1, (1,), 200, 1200, 128, 2e-3, 0.995),
    "laptop": Preset(32, (1, 2, 2), 1, (1, 2), 1000, 4000, 64, 1e-3, 0.999),
    "gpu": Preset(128, (1, 2, 2, 2), 3, (1, 2), 1000, 300_000, 128, 1e-4, 0.9999, 0.1),
}
VECTORS = {
    "toy": Preset(128, (), 0, (), 200, 4000, 256, 1e-3, 0.999),
    "laptop": Preset(256, (), 0, (), 1000, 20_000, 256, 1e-3, 0.999, depth=4),
    "gpu": Preset(1024, (), 0, (), 1000, 100_000, 1024, 3e-4, 0.9999, depth=6),
}


def parameterisation(predict: str, data_std: float) -> Parameterisation:
    """What a network predicts that is asked for this, of data of this deviation."""
    return edm(data_std) if predict == "edm" else PARAMETERISATIONS[predict]


def weight(loss: str, data_std: float) -> Function | None:
    """By what errors are multiplied at each level; None where the bound is all."""
    row = LOSSES[loss].weight
    return None if row is None else edm_weight(data_std) if row == "edm" else WEIGHTS[row]


def unet(
    event: tuple[int, ...], preset: Preset, width: int, *, outputs: int, classes: int, patch: int = 1
) -> nn.Module:
    """As many levels as the preset has and the side can be halved for, attention at the sides it says."""
    if patch > 1:
        return Patched(event, patch, lambda e: unet(e, preset, width, outputs=outputs, classes=classes))
    side, multipliers = event[1], preset.multipliers
    while len(multipliers) > 1 and (side % 2 ** (len(multipliers) - 1) or side // 2 ** (len(multipliers) - 1) < 4):
        multipliers = multipliers[:-1]
    return UNet(
        event,
        outputs=outputs,
        classes=classes,
        width=width,
        multipliers=multipliers,
        blocks=preset.blocks,
        attention={side // 2**k for k in preset.attention},
        head_channels=min(64, width),
        dropout=preset.dropout,
    )


def perceptron(
    event: tuple[int, ...], preset: Preset, width: int, *, outputs: int, classes: int, patch: int = 1
) -> TimeMLP:
    return TimeMLP(event[0], outputs=outputs, width=width, depth=preset.depth, classes=classes)


def transformer(
    event: tuple[int, ...], preset: Preset, width: int, *, outputs: int, classes: int, patch: int = 2
) -> DiT:
    """Four times as wide as a U-Net's first level, twice as many layers as a perceptron."""
    return DiT(event, patch=patch, outputs=outputs, classes=classes, width=4 * width, layers=2 * preset.depth)


NETWORKS: dict[str, Callable[..., nn.Module]] = {"unet": unet, "dit": transformer, "mlp": perceptron}
