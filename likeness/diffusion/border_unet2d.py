"""The UNet2DModel of `diffusers`: its configuration and its tensors, as those of the U-Net of this library.

    conv_in, conv_norm_out, conv_out
    time_embedding.linear_1, linear_2, class_embedding
    down_blocks.k.resnets.j, .attentions.j, .downsamplers.0        mid_block.resnets, .attentions
    up_blocks.k.resnets.j, .attentions.j, .upsamplers.0

Networks of DDPM differ in three things, which are settings there and attributes here: the last frequency, the ε of
normalisations, and on which side zeros are added before an image is halved.

Patrick von Platen et al. Diffusers: State-of-the-art diffusion models. 2022. https://github.com/huggingface/diffusers
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from likeness.diffusion.border import Entry, layer, same_groups
from likeness.errors import InputError
from likeness.nn.adm_blocks import Attention, Resampling, ResBlock
from likeness.nn.adm_unet import Plan, Stage, UNet

ATTENDS, PLAIN = {"down": "AttnDownBlock2D", "up": "AttnUpBlock2D"}, {"down": "DownBlock2D", "up": "UpBlock2D"}
RESIDUAL = {"down": "ResnetDownsampleBlock2D", "up": "ResnetUpsampleBlock2D"}
OLDER = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
FIXED: dict[str, Any] = {  # settings of a UNet2DModel that have no counterpart here, and their only value
    "act_fn": "silu",
    "add_attention": True,
    "center_input_sample": False,
    "class_embed_type": None,
    "mid_block_scale_factor": 1,
    "mid_block_type": "UNetMidBlock2D",
    "time_embedding_dim": None,
    "time_embedding_type": "positional",
}


def network_of(config: dict[str, Any]) -> UNet:
    """The network that a UNet2DModel's configuration tells, with its first weights.

    Raises:
        InputError: it has a part that the U-Net here has not.
    """
    if config.get("_class_name", "UNet2DModel") != "UNet2DModel" or not isinstance(config.get("sample_size"), int):
        raise InputError(
            f"a {config.get('_class_name')} of size {config.get('sample_size')}: only UNet2DModels of one side"
        )
    for name, value in FIXED.items():
        if config.get(name, value) != value:
            raise InputError(f"UNet2DModel with {name} = {config[name]!r}: only {value!r} has a counterpart here")
    net = _built(config, plan_of(config))
    net.embedding.shift = float(config.get("freq_shift", 0))
    for part in net.modules():
        if isinstance(part, nn.GroupNorm):
            part.eps = config.get("norm_eps", 1e-5)
        elif isinstance(part, Resampling):
            part.late = part.way == "down" and config.get("downsample_padding", 1) == 0
    return net


def plan_of(config: dict[str, Any]) -> Plan:
    """How its levels are built.

    Raises:
        InputError: they have blocks that the U-Net here has not.
    """
    widths, side = config["block_out_channels"], config["sample_size"]
    down, up = config["down_block_types"], config["up_block_types"]
    attends = [kind == ATTENDS["down"] for kind in down]
    residual = _residual(down, "down", config) | _residual(up, "up", config)
    known = {*ATTENDS.values(), *PLAIN.values(), *RESIDUAL.values()}
    if not {*down, *up} <= known or [kind == ATTENDS["up"] for kind in up][::-1] != attends or len(residual) > 1:
        raise InputError(f"UNet2DModel of {', '.join([*down, *up])}: its way up is not the way down turned round")
    adaptive = config.get("resnet_time_scale_shift", "default") == "scale_shift"
    heads, groups = config.get("attention_head_dim", 8), config.get("norm_num_groups", 32)
    in_the_middle = config.get("attn_norm_num_groups") or (None if adaptive else groups)
    if in_the_middle != groups:
        raise InputError("UNet2DModel whose attention in the middle has other groups: no counterpart here")
    return Plan(
        widths[0],
        [w / widths[0] for w in widths],
        config.get("layers_per_block", 2),
        [side >> k for k, attend in enumerate(attends) if attend],
        heads=1 if heads is None else None,
        head_channels=heads or 64,
        dropout=config.get("dropout", 0.0),
        adaptive=adaptive,
        resblock_updown=residual == {True},
        groups=groups,
    )


def _built(config: dict[str, Any], plan: Plan) -> UNet:
    """Fewer channels in than out: it learned variances; more: it is given others beside the image's."""
    given, out, side = config.get("in_channels", 3), config.get("out_channels", 3), config["sample_size"]
    channels, classes = min(given, out), config.get("num_class_embeds") or 0
    event = (channels, side, side)
    return UNet(event, outputs=out // channels, classes=classes, extra=given - channels, plan=plan)


def _residual(kinds: Sequence[str], way: str, config: dict[str, Any]) -> set[bool]:
    """Whether sides change within residual blocks on this way, of each block at whose end they do."""
    beside_attention = config.get(f"{way}sample_type", "conv") == "resnet"
    return {beside_attention if kind == ATTENDS[way] else kind == RESIDUAL[way] for kind in kinds[:-1]}


def renamed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Files of early versions call the layers of attention otherwise."""
    new = {f".{old}.": f".{name}." for name, old in OLDER.items()}

    def now(name: str) -> str:
        for old, name_now in new.items():
            name = name.replace(old, name_now) if ".attentions." in name else name
        return name

    return {now(name): value for name, value in state.items()}


def configuration(net: nn.Module) -> dict[str, Any]:
    """The configuration of the UNet2DModel that a network of ours is.

    Raises:
        InputError: it is none: other attention in its levels, other groups, heads of several sizes.
    """
    if not isinstance(net, UNet) or net.plan.rescale or net.plan.multipliers[0] != 1:
        raise InputError(f"a {type(net).__name__} of this plan is no UNet2DModel: export a UNet without rescaling")
    plan, side, groups = net.plan, net.event[1], same_groups(net)
    attention = [part for part in net.modules() if isinstance(part, Attention)]
    heads = {part.norm.num_channels // part.heads for part in attention}
    if len(heads) > 1 and any(part.heads > 1 for part in attention):
        raise InputError(f"heads of {sorted(heads)} channels: a UNet2DModel has one size; give the plan head_channels")
    attends = [side >> k in plan.attention for k in range(len(plan.multipliers))]
    plain = RESIDUAL if plan.resblock_updown else PLAIN
    kinds = {way: [ATTENDS[way] if attend else plain[way] for attend in attends] for way in ("down", "up")}
    return {
        "_class_name": "UNet2DModel",
        "sample_size": side,
        "in_channels": net.stem.in_channels,
        "out_channels": net.outputs * net.event[0],
        "down_block_types": kinds["down"],
        "up_block_types": kinds["up"][::-1],
        "block_out_channels": [round(m * plan.width) for m in plan.multipliers],
        "layers_per_block": plan.blocks,
        "dropout": plan.dropout,
        "attention_head_dim": heads.pop() if len(heads) == 1 else None,
        "norm_num_groups": groups,
        "attn_norm_num_groups": groups,
        "norm_eps": net.out[0].eps,
        "resnet_time_scale_shift": "scale_shift" if plan.adaptive else "default",
        "downsample_type": "resnet" if plan.resblock_updown else "conv",
        "upsample_type": "resnet" if plan.resblock_updown else "conv",
        "downsample_padding": 0 if any(isinstance(p, Resampling) and p.late for p in net.modules()) else 1,
        "freq_shift": net.embedding.shift,
        "flip_sin_to_cos": True,
        "num_class_embeds": net.embedding.classes or None,
        **FIXED,
    }


def layout(net: UNet, flipped: bool) -> Iterator[Entry]:
    """Every tensor of the network under its name in a UNet2DModel; not `flipped`, sines come before cosines there."""
    yield from _embedding(net, flipped)
    yield from layer("stem", "conv_in")
    blocks, levels = net.plan.blocks, len(net.plan.multipliers)
    for i, stage in enumerate(net.down):
        yield from _stage(
            f"down.{i}", stage, f"down_blocks.{i // (blocks + 1)}", i % (blocks + 1), i % (blocks + 1) == blocks
        )
    for i, stage in enumerate(net.middle):
        yield from _stage(f"middle.{i}", stage, "mid_block", i, False)
    for i, stage in enumerate(net.up):
        k, j = divmod(i, blocks + 2)
        yield from _stage(f"up.{i}", stage, f"up_blocks.{k}", j, k < levels - 1 and j == blocks + 1)
    yield from layer("out.0", "conv_norm_out")
    yield from layer("out.1", "conv_out")


def _embedding(net: UNet, flipped: bool) -> Iterator[Entry]:
    weight, bias = layer("embedding.layers.0", "time_embedding.linear_1")
    if not flipped:

        def turned(x: Tensor) -> Tensor:
            return x.roll(net.embedding.size // 2, 1)

        weight = weight._replace(read=turned, write=lambda x: (turned(x),))
    yield from (weight, bias)
    yield from layer("embedding.layers.2", "time_embedding.linear_2")
    if net.embedding.classes:
        yield Entry("embedding.embed.weight", ("class_embedding.weight",))


def _stage(ours: str, stage: nn.Module, theirs: str, at: int, changes: bool) -> Iterator[Entry]:
    assert isinstance(stage, Stage)
    if changes:
        theirs = f"{theirs}.{'upsamplers' if 'up_' in theirs else 'downsamplers'}.0"
        theirs = f"{theirs}.conv" if isinstance(stage.block, Resampling) else theirs
        yield from _block(f"{ours}.block", stage.block, theirs)
        return
    yield from _block(f"{ours}.block", stage.block, f"{theirs}.resnets.{at}")
    if stage.attention is not None:
        yield from _attention(f"{ours}.attention", f"{theirs}.attentions.{at}")


def _block(ours: str, block: nn.Module, theirs: str) -> Iterator[Entry]:
    if not isinstance(block, ResBlock):
        yield from layer(f"{ours}.convolution", theirs)
        return
    rows = {
        "norms.0": "norm1",
        "convolutions.0": "conv1",
        "embedded.linear" if block.adaptive else "embedded": "time_emb_proj",
        "norms.1": "norm2",
        "convolutions.1": "conv2",
    }
    if isinstance(block.skip, nn.Conv2d):
        rows["skip"] = "conv_shortcut"
    for mine, other in rows.items():
        yield from layer(f"{ours}.{mine}", f"{theirs}.{other}")


def _attention(ours: str, theirs: str) -> Iterator[Entry]:
    yield from layer(f"{ours}.norm", f"{theirs}.group_norm")
    for part in ("weight", "bias"):
        names = tuple(f"{theirs}.to_{x}.{part}" for x in "qkv")
        yield Entry(f"{ours}.qkv.{part}", names, lambda *x: torch.cat(x), _thirds)
    weight, bias = layer(f"{ours}.out", f"{theirs}.to_out.0")
    yield from (weight._replace(write=lambda x: (x.flatten(1),)), bias)


def _thirds(x: Tensor) -> tuple[Tensor, ...]:
    """Q, K and V, without the places that a convolution of one place has."""
    return tuple((part.flatten(1) if part.ndim > 1 else part) for part in x.chunk(3))
