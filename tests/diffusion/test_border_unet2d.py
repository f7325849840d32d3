"""Configurations there and back; what has no counterpart is named."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.diffusion.border_unet2d import configuration, layout, network_of, renamed
from likeness.errors import InputError
from likeness.nn.adm_unet import Plan, UNet

DDPM: dict[str, Any] = {
    "_class_name": "UNet2DModel",
    "act_fn": "silu",
    "attention_head_dim": None,
    "block_out_channels": [32, 64],
    "center_input_sample": False,
    "down_block_types": ["DownBlock2D", "AttnDownBlock2D"],
    "downsample_padding": 0,
    "flip_sin_to_cos": False,
    "freq_shift": 1,
    "in_channels": 3,
    "layers_per_block": 2,
    "mid_block_scale_factor": 1,
    "norm_eps": 1e-6,
    "norm_num_groups": 32,
    "out_channels": 3,
    "sample_size": 8,
    "time_embedding_type": "positional",
    "up_block_types": ["AttnUpBlock2D", "UpBlock2D"],
}


@settings(max_examples=8, deadline=None)
@given(
    st.lists(st.sampled_from([1, 2, 3]), min_size=1, max_size=3),
    st.integers(1, 2),
    st.sets(st.sampled_from([2, 4, 8])),
    st.tuples(st.booleans(), st.booleans()),
)
def test_a_configuration_tells_the_network_it_was_made_of(
    multipliers: list[int], blocks: int, attention: set[int], kinds: tuple[bool, bool]
) -> None:
    adaptive, updown = kinds
    plan = Plan(
        8, [1, *multipliers], blocks, attention, head_channels=4, adaptive=adaptive, resblock_updown=updown, groups=4
    )
    with torch.device("meta"):
        net = UNet((1, 8, 8), outputs=2, classes=3, extra=1, plan=plan)
        back = network_of(configuration(net))
    assert {k: v.shape for k, v in net.state_dict().items()} == {k: v.shape for k, v in back.state_dict().items()}
    assert str(net) == str(back)
    entries = list(layout(net, True))
    assert sorted(entry.ours for entry in entries) == sorted(net.state_dict())
    theirs = [name for entry in entries for name in entry.theirs]
    assert len(set(theirs)) == len(theirs)


def test_the_networks_of_ddpm_have_their_own_ways() -> None:
    net = network_of(DDPM)
    assert net.embedding.shift == 1
    assert net.down[2].block.late
    assert not net.up[3].block.late
    assert {part.eps for part in net.modules() if isinstance(part, torch.nn.GroupNorm)} == {1e-6}
    assert net.middle[0].attention.heads == 1
    assert configuration(network_of(configuration(net)))["downsample_padding"] == 0


def test_names_of_early_versions_are_known() -> None:
    old = {
        "mid_block.attentions.0.query.weight": torch.zeros(1),
        "mid_block.attentions.0.proj_attn.bias": torch.zeros(1),
    }
    assert list(renamed(old)) == ["mid_block.attentions.0.to_q.weight", "mid_block.attentions.0.to_out.0.bias"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"_class_name": "UNet2DConditionModel"}, "UNet2DConditionModel of size 8"),
        ({"sample_size": [8, 16]}, r"\[8, 16\]"),
        ({"time_embedding_type": "fourier"}, "time_embedding_type = 'fourier'"),
        ({"down_block_types": ["DownBlock2D", "SkipDownBlock2D"]}, "SkipDownBlock2D"),
        ({"up_block_types": ["UpBlock2D", "AttnUpBlock2D"]}, "way up is not the way down"),
        ({"up_block_types": ["AttnUpBlock2D", "ResnetUpsampleBlock2D"], "upsample_type": "resnet"}, "way up"),
        ({"resnet_time_scale_shift": "scale_shift"}, "attention in the middle"),
    ],
)
def test_what_has_no_counterpart_here_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        network_of(DDPM | change)


def test_what_has_no_counterpart_there_is_named() -> None:
    with pytest.raises(InputError, match=r"heads of \[4, 8\] channels"):
        configuration(UNet((1, 8, 8), width=8, multipliers=(1, 2), attention=(8,), groups=4, heads=2))
    with pytest.raises(InputError, match="groups of normalisation"):
        configuration(UNet((1, 8, 8), width=8, multipliers=(1, 2), attention=()))
    with pytest.raises(InputError, match="without rescaling"):
        configuration(UNet((1, 8, 8), width=8, multipliers=(1,), rescale=True))
    with pytest.raises(InputError, match="Linear of this plan"):
        configuration(torch.nn.Linear(1, 1))
