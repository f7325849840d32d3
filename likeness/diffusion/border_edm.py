"""Checkpoints of the published code of EDM whose network is that of ADM (`DhariwalUNet`), both ways.

    enc.{s}x{s}_conv, _down, _block{i}         the encoder at side s
    dec.{s}x{s}_in0, _in1, _up, _block{i}      the middle, and the decoder
    map_layer0, map_layer1, map_label          the embedding of σ and of the class
    out_norm, out_conv

The published files are pickles of whole modules: where they are trusted, `net.state_dict()` of one is written as
safetensors, and that file is read here. Its names and shapes tell how the network is built. Q, K, V of attention lie
channel by channel there.

Tero Karras, Miika Aittala, Timo Aila, Samuli Laine. Elucidating the Design Space of Diffusion-Based Generative
Models. 2022. https://arxiv.org/abs/2206.00364
Layout: https://github.com/NVlabs/edm
"""

import re
from collections.abc import Iterator
from pathlib import Path

from torch import Tensor, nn

from likeness.diffusion.border import Entry, Pretrained, State, exported, fill, layer, permuted
from likeness.diffusion.denoisers import Preconditioned, edm
from likeness.diffusion.schedules import Karras
from likeness.errors import InputError
from likeness.nn.adm_blocks import ResBlock, group_norm
from likeness.nn.adm_unet import Plan, Stage, UNet, stages
from likeness.nn.foreign import tensors

UNUSED = re.compile(r".*resample_filter|map_augment\.weight")  # constants; what is zero but in training


def load(path: Path, *, sigma_data: float = 0.5) -> Pretrained:
    """The denoiser of a state dict of `EDMPrecond` or of its network; labels are indices of classes.

    Raises:
        InputError: the file is missing, is a pickle of a module, or holds another network.
    """
    state = {name.removeprefix("model."): value for name, value in tensors(path).items()}
    net = network_of(state, str(path))
    levels = Karras()
    D = Preconditioned(net, edm(sigma_data), levels.told)
    return Pretrained(D.eval(), levels, net.event, net.embedding.classes)


def network_of(state: State, source: str) -> UNet:
    """The network that a state dict tells.

    Raises:
        InputError: it is not of a network of this layout.
    """
    sides = sorted({int(m[1]) for name in state if (m := re.match(r"enc\.(\d+)x\1_block0\.norm0\.weight", name))})[::-1]
    if not sides or f"enc.{sides[0]}x{sides[0]}_conv.weight" not in state or "map_layer0.weight" not in state:
        raise InputError(f"{source} holds no DhariwalUNet of EDM: other networks of that code are not read here")
    channels, out = state[f"enc.{sides[0]}x{sides[0]}_conv.weight"].shape[1], state["out_conv.weight"].shape[0]
    width = state["map_layer0.weight"].shape[1]
    wide = [state[f"enc.{s}x{s}_block0.conv1.weight"].shape[0] for s in sides]
    blocks = sum(bool(re.fullmatch(rf"enc\.{sides[0]}x{sides[0]}_block\d+\.norm0\.weight", name)) for name in state)
    attention = [s for s in sides if f"enc.{s}x{s}_block0.qkv.weight" in state]
    classes = state["map_label.weight"].shape[1] if "map_label.weight" in state else 0
    plan = Plan(width, [w / width for w in wide], blocks, attention)
    net = UNet((channels, sides[0], sides[0]), outputs=out // channels, classes=classes, plan=plan)
    fill(net, layout(net), state, source, ignored=[name for name in state if UNUSED.fullmatch(name)])
    return net


def state_of(net: UNet) -> dict[str, Tensor]:
    """A network of ours as that code names and orders its tensors.

    Raises:
        InputError: it has parts or groups of normalisation that this code's network has not.
    """
    for part in net.modules():
        if isinstance(part, nn.GroupNorm) and part.num_groups != group_norm(part.num_channels).num_groups:
            raise InputError(
                f"{part.num_groups} groups of normalisation for {part.num_channels} channels: EDM has others"
            )
    if not (net.plan.adaptive and net.plan.resblock_updown) or net.plan.rescale:
        raise InputError(
            "EDM's network has adaptive normalisation, changes of side in residual blocks and no rescaling"
        )
    return exported(net, layout(net))


def layout(net: UNet) -> Iterator[Entry]:
    """Every tensor of the network under its name in that code."""
    for i in (0, 1):
        yield from layer(f"embedding.layers.{2 * i}", f"map_layer{i}")
    if net.embedding.classes:
        yield Entry("embedding.embed.weight", ("map_label.weight",), lambda x: x.T, lambda x: (x.T,))
    side, blocks = net.event[1], net.plan.blocks
    yield from layer("stem", f"enc.{side}x{side}_conv")
    levels = len(net.plan.multipliers)
    names = [[f"block{i}" for i in range(blocks)] for _ in range(levels)]
    encoder = [(k, name) for k, level in enumerate(names) for name in (["down"] if k else []) + level]
    for i, (stage, (k, name)) in enumerate(zip(stages(net.down), encoder, strict=True)):
        yield from _stage(f"down.{i}", stage, f"enc.{side >> k}x{side >> k}_{name}")
    last = side >> (levels - 1)
    for i, stage in enumerate(stages(net.middle)):
        yield from _stage(f"middle.{i}", stage, f"dec.{last}x{last}_in{i}")
    decoder = [
        (k, name) for k in reversed(range(levels)) for name in [*names[k], f"block{blocks}"] + (["up"] if k else [])
    ]
    for i, (stage, (k, name)) in enumerate(zip(stages(net.up), decoder, strict=True)):
        k -= name == "up"
        yield from _stage(f"up.{i}", stage, f"dec.{side >> k}x{side >> k}_{name}")
    yield from layer("out.0", "out_norm")
    yield from layer("out.1", "out_conv")


def _stage(ours: str, stage: Stage, theirs: str) -> Iterator[Entry]:
    block, attention = stage.block, stage.attention
    assert isinstance(block, ResBlock)
    for mine, other in (("norms.0", "norm0"), ("convolutions.0", "conv0"), ("embedded.linear", "affine")):
        yield from layer(f"{ours}.block.{mine}", f"{theirs}.{other}")
    for mine, other in (("norms.1", "norm1"), ("convolutions.1", "conv1")):
        yield from layer(f"{ours}.block.{mine}", f"{theirs}.{other}")
    if isinstance(block.skip, nn.Conv2d):
        yield from layer(f"{ours}.block.skip", f"{theirs}.skip")
    if attention is None:
        return

    def order(x: Tensor) -> Tensor:
        return x.unflatten(0, (attention.heads, -1, 3)).movedim(2, 0).flatten(0, 2)

    yield from layer(f"{ours}.attention.norm", f"{theirs}.norm2")
    for entry in layer(f"{ours}.attention.qkv", f"{theirs}.qkv"):
        yield permuted(entry, order)
    yield from layer(f"{ours}.attention.out", f"{theirs}.proj")
