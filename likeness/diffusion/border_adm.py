"""Weights of the published ADM checkpoints (guided-diffusion), in and out: the same network under other names.

    input_blocks.0.0                     the first convolution
    input_blocks.i.0, .1                 a residual block or a change of side, and attention
    middle_block.0, .1, .2               residual, attention, residual
    output_blocks.i.0, .1, .2            the decoder's; what doubles the side ends the block before it
    time_embed.0, .2, label_emb, out.0, out.2

Their attention has q, k and v of each head together (`legacy`), ours of all heads. A checkpoint is read without running
what is in it: safetensors, or a .pt file that holds tensors alone.

    D = load(UNet((3, 64, 64), outputs=2, classes=1000, plan=PLANS["imagenet64"]), "64x64_diffusion.pt")

Prafulla Dhariwal, Alex Nichol. Diffusion Models Beat GANs on Image Synthesis. 2021. https://arxiv.org/abs/2105.05233
"""

from collections.abc import Iterator
from pathlib import Path
from pickle import UnpicklingError
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from likeness.errors import InputError
from likeness.nn.adm_blocks import Attention, Resampling, ResBlock
from likeness.nn.adm_unet import Plan, Stage, UNet

PLANS = {  # of the published models, as their flags have them
    "imagenet64": Plan(192, (1, 2, 3, 4), 3, (32, 16, 8), dropout=0.1),
    "imagenet128": Plan(256, (1, 1, 2, 3, 4), 2, (32, 16, 8), heads=4),
    "imagenet256": Plan(256, (1, 1, 2, 2, 4, 4), 2, (32, 16, 8)),
    "imagenet512": Plan(256, (0.5, 1, 1, 2, 2, 4, 4), 2, (32, 16, 8)),
    "lsun256": Plan(256, (1, 1, 2, 2, 4, 4), 2, (32, 16, 8), dropout=0.1),
    "upsample64to256": Plan(192, (1, 1, 2, 2, 4, 4), 2, (32, 16, 8), heads=4),
    "upsample128to512": Plan(192, (1, 1, 2, 2, 4, 4), 2, (32, 16)),
}


class Pair(NamedTuple):
    """A tensor under our name and theirs; `heads` where the rows of attention are ordered otherwise, else 0."""

    ours: str
    theirs: str
    heads: int = 0


def load(net: UNet, path: Path | str, *, legacy: bool = True) -> UNet:
    """The network with the weights of a checkpoint; nothing is changed where they do not fit.

    Args:
        legacy: whether q, k and v of each head lie together, as in all published models.

    Raises:
        InputError: the file cannot be read, holds more than tensors, or is of another network.
    """
    net.load_state_dict(translated(net, tensors(Path(path)), legacy=legacy, source=str(path)))
    return net


def translated(
    net: UNet, theirs: dict[str, Tensor], *, legacy: bool = True, source: str = "checkpoint"
) -> dict[str, Tensor]:
    """Our state of theirs. Raises InputError where a tensor is missing, of another shape, or left over."""
    own, made = net.state_dict(), {}
    known = list(pairs(net))
    if left := sorted(set(theirs) - {p.theirs for p in known}):
        raise InputError(f"{source} has {left[0]!r}, which this network has not: build it with the model's own plan")
    for pair in known:
        if pair.theirs not in theirs:
            raise InputError(f"{source} has no {pair.theirs!r}: build the network with the model's own plan")
        value, wanted = theirs[pair.theirs], own[pair.ours]
        if value.numel() != wanted.numel() or value.shape[0] != wanted.shape[0]:
            raise InputError(
                f"{source}: {pair.theirs} is of shape {tuple(value.shape)}, here {tuple(wanted.shape)}: "
                "build the network with the model's own plan"
            )
        value = together(value, pair.heads) if pair.heads and legacy else value
        made[pair.ours] = value.reshape(wanted.shape).to(wanted.dtype)
    return made


def exported(net: UNet, *, legacy: bool = True) -> dict[str, Tensor]:
    """Our state under their names, as their code loads it."""
    own, made = net.state_dict(), {}
    for pair in pairs(net):
        value = own[pair.ours].contiguous()
        value = apart(value, pair.heads) if pair.heads and legacy else value
        attention = ".qkv." in pair.theirs or ".proj_out." in pair.theirs
        made[pair.theirs] = value.flatten(2) if attention and value.ndim == 4 else value
    return made


def together(value: Tensor, heads: int) -> Tensor:
    """Rows of (head, q k v, channel) in the order (q k v, head, channel)."""
    return value.unflatten(0, (heads, 3, -1)).transpose(0, 1).flatten(0, 2)


def apart(value: Tensor, heads: int) -> Tensor:
    """The other way round."""
    return value.unflatten(0, (3, heads, -1)).transpose(0, 1).flatten(0, 2)


def tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by their names.

    Raises:
        InputError: there is no such file, or it holds more than tensors.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; download the checkpoint first")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, SafetensorError, RuntimeError, EOFError, KeyError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{path} is no file of tensors alone ({reason[:80]}): save its state_dict as safetensors where you trust it"
        ) from None
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise InputError(f"{path} holds more than named tensors: save its state_dict as safetensors where you trust it")
    return state


def pairs(net: UNet) -> Iterator[Pair]:
    """Every tensor of the network, under both names."""
    yield from _named("embedding.layers.0", "time_embed.0")
    yield from _named("embedding.layers.2", "time_embed.2")
    if net.embedding.classes:
        yield Pair("embedding.embed.weight", "label_emb.weight")
    yield from _named("stem", "input_blocks.0.0")
    for i, stage in enumerate(net.down):
        yield from _stage(stage, f"down.{i}", f"input_blocks.{i + 1}", 0)
    for i, stage in enumerate(net.middle):
        yield from _stage(stage, f"middle.{i}", "middle_block", 2 * i)
    block, place = -1, 0
    for i, (stage, join) in enumerate(zip(net.up, net.joins)):
        block, place = (block + 1, 0) if join else (block, place)
        yield from _stage(stage, f"up.{i}", f"output_blocks.{block}", place)
        place += 1 + (stage.attention is not None)
    yield from _named("out.0", "out.0")
    yield from _named("out.1", "out.2")


def _named(ours: str, theirs: str) -> Iterator[Pair]:
    for kind in ("weight", "bias"):
        yield Pair(f"{ours}.{kind}", f"{theirs}.{kind}")


def _stage(stage: nn.Module, ours: str, theirs: str, place: int) -> Iterator[Pair]:
    assert isinstance(stage, Stage)
    yield from _block(stage.block, f"{ours}.block", f"{theirs}.{place}", down="input" in theirs)
    if stage.attention is not None:
        yield from _attention(stage.attention, f"{ours}.attention", f"{theirs}.{place + 1}")


def _block(block: nn.Module, ours: str, theirs: str, *, down: bool) -> Iterator[Pair]:
    if isinstance(block, Resampling):
        yield from _named(f"{ours}.convolution", f"{theirs}.{'op' if down else 'conv'}")
        return
    assert isinstance(block, ResBlock)
    embedded = f"{ours}.embedded.linear" if block.adaptive else f"{ours}.embedded"
    yield from _named(f"{ours}.norms.0", f"{theirs}.in_layers.0")
    yield from _named(f"{ours}.convolutions.0", f"{theirs}.in_layers.2")
    yield from _named(embedded, f"{theirs}.emb_layers.1")
    yield from _named(f"{ours}.norms.1", f"{theirs}.out_layers.0")
    yield from _named(f"{ours}.convolutions.1", f"{theirs}.out_layers.3")
    if isinstance(block.skip, nn.Conv2d):
        yield from _named(f"{ours}.skip", f"{theirs}.skip_connection")


def _attention(attention: Attention, ours: str, theirs: str) -> Iterator[Pair]:
    yield from _named(f"{ours}.norm", f"{theirs}.norm")
    for kind in ("weight", "bias"):
        yield Pair(f"{ours}.qkv.{kind}", f"{theirs}.qkv.{kind}", attention.heads)
    yield from _named(f"{ours}.out", f"{theirs}.proj_out")
