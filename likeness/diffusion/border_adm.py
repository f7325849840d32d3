"""Checkpoints of the published code of ADM: its diffusion models, its classifiers and its up-samplers, both ways.

    input_blocks.0.0                      the first convolution
    input_blocks.i.0, .1                  a residual block or a change of side; attention
    middle_block.0, .1, .2                residual, attention, residual
    output_blocks.i.0, .1, .2             a residual block; attention; a change of side
    out.0, out.2                          the last normalisation and convolution, or the pool of a classifier

Q, K, V of attention lie head by head (the published default) or each of them whole (`PUBLISHED[name].whole`).

Prafulla Dhariwal, Alex Nichol. Diffusion Models Beat GANs on Image Synthesis. 2021. https://arxiv.org/abs/2105.05233
Layout: https://github.com/openai/guided-diffusion
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from likeness.diffusion.border import Entry, Pretrained, exported, fill, layer, permuted, same_groups
from likeness.diffusion.denoisers import PARAMETERISATIONS, Preconditioned
from likeness.diffusion.schedules import TOLD, Schedule, cosine, linear
from likeness.nn.adm_blocks import Attention, ResBlock
from likeness.nn.adm_encoder import Encoder
from likeness.nn.adm_unet import Plan, Stage, UNet, stages
from likeness.nn.foreign import tensors


class Published(NamedTuple):
    """How a diffusion model was trained with that code.

    Attributes:
        extra: channels of the input besides the image's own, of an up-sampler.
        whole: Q, K and V each lie whole, not head by head.
        learned: it learned variances.
    """

    event: tuple[int, ...]
    plan: Plan
    classes: int
    schedule: Callable[[int], Schedule]
    extra: int = 0
    whole: bool = False
    learned: bool = True


_64 = (1, 2, 3, 4)
_128 = (1, 1, 2, 3, 4)
_256 = (1, 1, 2, 2, 4, 4)
_512 = (0.5, 1, 1, 2, 2, 4, 4)
_ALL = (32, 16, 8)
_LSUN = Published((3, 256, 256), Plan(256, _256, 2, _ALL, dropout=0.1), 0, linear)
PUBLISHED = {
    "imagenet64": Published((3, 64, 64), Plan(192, _64, 3, _ALL, dropout=0.1), 1000, cosine, whole=True),
    "imagenet128": Published((3, 128, 128), Plan(256, _128, 2, _ALL, heads=4), 1000, linear),
    "imagenet256": Published((3, 256, 256), Plan(256, _256, 2, _ALL), 1000, linear),
    "imagenet256-uncond": Published((3, 256, 256), Plan(256, _256, 2, _ALL), 0, linear),
    "imagenet512": Published((3, 512, 512), Plan(256, _512, 2, _ALL), 1000, linear),
    "upsampler-64-256": Published((3, 256, 256), Plan(192, _256, 2, _ALL, heads=4), 1000, linear, extra=3),
    "upsampler-128-512": Published((3, 512, 512), Plan(192, _256, 2, (32, 16)), 1000, linear, extra=3),
    "lsun-bedroom": _LSUN,
    "lsun-cat": _LSUN,
    "lsun-horse": _LSUN,
    "lsun-horse-nodropout": _LSUN._replace(plan=_LSUN.plan._replace(dropout=0.0)),
}
CLASSIFIERS = {
    "imagenet64": ((3, 64, 64), Plan(128, _64, 4, _ALL)),
    "imagenet128": ((3, 128, 128), Plan(128, _128, 2, _ALL)),
    "imagenet256": ((3, 256, 256), Plan(128, _256, 2, _ALL)),
    "imagenet512": ((3, 512, 512), Plan(128, _512, 2, _ALL)),
}


def load(path: Path, model: Published) -> Pretrained:
    """A diffusion model, such as `PUBLISHED["imagenet64"]`.

    Raises:
        InputError: the file is missing, or is not of this model.
    """
    event, plan, classes, schedule, extra, whole, learned = model
    state = tensors(path)
    with torch.device("meta"):  # nobody needs first weights of half a billion parameters
        net = UNet(event, outputs=1 + learned, classes=classes, extra=extra, plan=plan._replace(groups=32))
    net = net.to_empty(device="cpu")
    fill(net, layout(net, whole), state, str(path))
    levels = schedule(TOLD)
    D = Preconditioned(net, PARAMETERISATIONS["noise"], levels.told, learned=learned)
    return Pretrained(D.eval(), levels, event, classes)


def load_classifier(path: Path, event: tuple[int, ...], plan: Plan, *, classes: int = 1000) -> Encoder:
    """A classifier of noisy images, F(x, t) → logits, such as `*CLASSIFIERS["imagenet64"]`.

    Raises:
        InputError: the file is missing, or is not of this classifier.
    """
    net = Encoder(event, classes, plan=plan._replace(groups=32))
    fill(net, layout(net), tensors(path), str(path))
    return net.eval()


def state_of(net: UNet | Encoder, *, whole: bool = False) -> dict[str, Tensor]:
    """A network of ours as the published code names and orders its tensors.

    Raises:
        InputError: its normalisations do not have 32 groups each, as that code has.
    """
    same_groups(net, 32)
    return {
        name: value.flatten(2) if name.endswith((".qkv.weight", ".proj_out.weight")) else value
        for name, value in exported(net, layout(net, whole)).items()
    }


def layout(net: UNet | Encoder, whole: bool = False) -> Iterator[Entry]:
    """Every tensor of the network under its name in the published code."""
    for i in (0, 2):
        yield from layer(f"embedding.layers.{i}", f"time_embed.{i}")
    if net.embedding.classes:
        yield Entry("embedding.embed.weight", ("label_emb.weight",))
    yield from layer("stem", "input_blocks.0.0")
    for i, stage in enumerate(stages(net.down)):
        yield from _stage(f"down.{i}", stage, f"input_blocks.{i + 1}", whole)
    first, second = stages(net.middle)
    yield from _block("middle.0.block", first.block, "middle_block.0")
    assert first.attention is not None
    yield from _attention("middle.0.attention", first.attention, "middle_block.1", whole)
    yield from _block("middle.1.block", second.block, "middle_block.2")
    if isinstance(net, Encoder):
        yield from _pool()
        return
    block, parts = -1, 0
    for i, (stage, join) in enumerate(zip(stages(net.up), net.joins)):
        block, parts = (block + 1, 0) if join else (block, parts)
        yield from _stage(f"up.{i}", stage, f"output_blocks.{block}", whole, parts)
        parts += 1 if stage.attention is None else 2
    yield from layer("out.0", "out.0")
    yield from layer("out.1", "out.2")


def _stage(ours: str, stage: Stage, theirs: str, whole: bool, at: int = 0) -> Iterator[Entry]:
    yield from _block(f"{ours}.block", stage.block, f"{theirs}.{at}")
    if stage.attention is not None:
        yield from _attention(f"{ours}.attention", stage.attention, f"{theirs}.{at + 1}", whole)


def _block(ours: str, block: nn.Module, theirs: str) -> Iterator[Entry]:
    if not isinstance(block, ResBlock):
        yield from layer(f"{ours}.convolution", f"{theirs}.{'op' if block.way == 'down' else 'conv'}")
        return
    rows = {
        "norms.0": "in_layers.0",
        "convolutions.0": "in_layers.2",
        "embedded.linear" if block.adaptive else "embedded": "emb_layers.1",
        "norms.1": "out_layers.0",
        "convolutions.1": "out_layers.3",
    }
    if isinstance(block.skip, nn.Conv2d):
        rows["skip"] = "skip_connection"
    for mine, other in rows.items():
        yield from layer(f"{ours}.{mine}", f"{theirs}.{other}")


def _attention(ours: str, attention: Attention, theirs: str, whole: bool) -> Iterator[Entry]:
    def order(x: Tensor) -> Tensor:
        return x.unflatten(0, (attention.heads, 3, -1)).transpose(0, 1).flatten(0, 2)

    yield from layer(f"{ours}.norm", f"{theirs}.norm")
    for entry in layer(f"{ours}.qkv", f"{theirs}.qkv"):
        yield entry if whole else permuted(entry, order)
    yield from layer(f"{ours}.out", f"{theirs}.proj_out")


def _pool() -> Iterator[Entry]:
    """The classifier's end, whose layers are convolutions there."""
    yield from layer("norm", "out.0")
    yield Entry("pool.position", ("out.2.positional_embedding",), lambda x: x.T, lambda x: (x.T,))
    for ours, theirs in (("qkv", "qkv_proj"), ("out", "c_proj")):
        weight, bias = layer(f"pool.{ours}", f"out.2.{theirs}")
        yield weight._replace(write=lambda x: (x[..., None],))
        yield bias
