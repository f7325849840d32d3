"""Encoders that were trained elsewhere: their files of tensors, their names, and the images that they were shown.

A file is opened by safetensors, or by torch's reader of tensors alone, which runs no code
(https://docs.pytorch.org/docs/stable/notes/serialization.html). Training code writes its network under a prefix
("module.encoder_q.") and with the layers of its task on top ("fc."): `fill` finds the one and leaves out the other.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from likeness.errors import InputError

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of pixels in [0, 1]: what torchvision and timm train with
COUNT = "num_batches_tracked"  # files of early versions of torch lack it, and momentum does without


def tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a `.safetensors` file, or of a file that `torch.save` wrote of a dictionary of tensors.

    Of a training run that was saved whole, the tensors under "state_dict".

    Raises:
        InputError: there is no such file, or it holds something else than tensors.
    """
    if not path.is_file():
        raise InputError(f"no weights at {path}: check the path")
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except SafetensorError as error:
            raise InputError(f"{path} is not a whole safetensors file ({error}): fetch or convert it again") from None
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError, ValueError, KeyError):
        found = None
    found = found.get("state_dict", found) if isinstance(found, dict) else found
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        raise InputError(
            f"{path} holds more than tensors, and a pickle can run code when opened: where you trust it, open it with "
            "the code it came from and write net.state_dict() with safetensors.torch.save_file"
        )
    return found


class Foreign(nn.Module):
    """An encoder as one of ours: it takes images in [-1, 1], grey ones too, and says the size `d` of its features.

    Args:
        encoder: takes images (n, 3, h, w) of which `mean` is taken and that are divided by `std`, and gives (n, d).
        d: what it gives.
        mean: of pixels in [0, 1], one number a channel.
        std: of the same.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, encoder: nn.Module, d: int, mean: Sequence[float] = IMAGENET[0], std: Sequence[float] = IMAGENET[1]
    ) -> None:
        super().__init__()
        self.encoder, self.d = encoder, d
        self.register_buffer("mean", torch.tensor(mean)[:, None, None])
        self.register_buffer("std", torch.tensor(std)[:, None, None])

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        if x.shape[1] not in (1, len(self.mean)):
            raise InputError(f"images of {x.shape[1]} channels: this encoder takes {len(self.mean)}, or grey ones")
        return self.encoder(((x + 1) / 2 - self.mean) / self.std)


def published(
    encoder: nn.Module,
    path: Path,
    *,
    prefix: str | None = None,
    dropped: Sequence[str] = ("fc.", "head.", "classifier.6."),
    mean: Sequence[float] = IMAGENET[0],
    std: Sequence[float] = IMAGENET[1],
) -> Foreign:
    """An encoder of ours, such as `resnet18(3)`, with the weights of a file, for images in [-1, 1].

    Args:
        prefix: what names begin with in the file; None finds it.
        dropped: beginnings of the names of layers that an encoder does without.
        mean: of the pixels, in [0, 1], that the weights were trained on.
        std: of the same.

    Raises:
        InputError: the file holds no weights, or not those of such a network.
    """
    fill(encoder, tensors(path), str(path), prefix=prefix, dropped=dropped)
    d = encoder.d
    assert isinstance(d, int)
    return Foreign(encoder, d, mean, std)


def fill(
    net: nn.Module,
    state: Mapping[str, Tensor],
    source: str,
    *,
    prefix: str | None = None,
    dropped: Sequence[str] = (),
) -> None:
    """Put tensors under the names of `net`, all behind one prefix, into it.

    Args:
        source: where they come from, for errors.
        prefix: None finds it.
        dropped: beginnings of names, behind the prefix, that are left out.

    Raises:
        InputError: several prefixes would do, a tensor is missing, of another shape, or one too many.
    """
    own = net.state_dict()
    prefix = _prefix(own, state, source) if prefix is None else prefix
    given = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    given = {name: value for name, value in given.items() if name in own or not name.startswith(tuple(dropped))}
    if left := [name for name in own if name not in given and not name.endswith(COUNT)]:
        raise InputError(f"{source} has no tensor {prefix}{left[0]}: it is of another architecture than this network")
    if left := [name for name in given if name not in own]:
        raise InputError(f"{source} has a tensor {prefix}{left[0]} that this network lacks: it is of another one")
    for name, value in given.items():
        if value.shape != own[name].shape:
            raise InputError(
                f"{source}: {prefix}{name} has shape {tuple(value.shape)}, wanted {tuple(own[name].shape)}: build the "
                "network with the width, the channels and the stem that the weights were trained with"
            )
    net.load_state_dict({**own, **given})


def _prefix(own: Mapping[str, Tensor], state: Mapping[str, Tensor], source: str) -> str:
    """What stands before every one of our names."""
    names = [name for name in own if not name.endswith(COUNT)]
    ends = {name[: len(name) - len(names[0])] for name in state if name.endswith(names[0])}
    found = sorted(end for end in ends if all(end + name in state for name in names))
    if len(found) > 1:
        raise InputError(f"{source} holds this network {len(found)} times: give the prefix {' or '.join(found)!r}")
    return found[0] if found else ""
