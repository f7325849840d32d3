"""Folders of pipelines: what their network computes, which levels they have, and the same package's own verdict."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from published_unets import Adm, stirred
from safetensors.torch import save_file
from torch import Tensor

from likeness.diffusion.border_diffusers import Foreign, load, save, schedule_of
from likeness.diffusion.denoisers import PARAMETERISATIONS, Preconditioned, edm
from likeness.diffusion.schedules import Karras, cosine, linear
from likeness.errors import InputError
from likeness.nn.adm_unet import Plan, UNet

UNET: dict[str, Any] = {
    "_class_name": "UNet2DModel",
    "attention_head_dim": 16,
    "block_out_channels": [32, 64],
    "down_block_types": ["DownBlock2D", "AttnDownBlock2D"],
    "flip_sin_to_cos": True,
    "in_channels": 1,
    "layers_per_block": 1,
    "norm_num_groups": 32,
    "num_class_embeds": 4,
    "out_channels": 1,
    "sample_size": 8,
    "up_block_types": ["AttnUpBlock2D", "UpBlock2D"],
}
NAMES = {  # of the layers of this network there, by those of ADM
    "time_embed.0": "time_embedding.linear_1",
    "time_embed.2": "time_embedding.linear_2",
    "label_emb": "class_embedding",
    "input_blocks.0.0": "conv_in",
    "input_blocks.1.0": "down_blocks.0.resnets.0",
    "input_blocks.2.0.op": "down_blocks.0.downsamplers.0.conv",
    "input_blocks.3.0": "down_blocks.1.resnets.0",
    "input_blocks.3.1": "down_blocks.1.attentions.0",
    "middle_block.0": "mid_block.resnets.0",
    "middle_block.1": "mid_block.attentions.0",
    "middle_block.2": "mid_block.resnets.1",
    "output_blocks.0.0": "up_blocks.0.resnets.0",
    "output_blocks.0.1": "up_blocks.0.attentions.0",
    "output_blocks.1.0": "up_blocks.0.resnets.1",
    "output_blocks.1.1": "up_blocks.0.attentions.1",
    "output_blocks.1.2.conv": "up_blocks.0.upsamplers.0.conv",
    "output_blocks.2.0": "up_blocks.1.resnets.0",
    "output_blocks.3.0": "up_blocks.1.resnets.1",
    "out.0": "conv_norm_out",
    "out.2": "conv_out",
}
PARTS = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
    "norm": "group_norm",
    "proj_out": "to_out.0",
}


def adm() -> Adm:
    network = Adm(
        c=1, out=1, side=8, width=32, multipliers=(1, 2), blocks=1, attention=(4,), head=16, classes=4, updown=False,
        adaptive=False, whole=True,
    )  # fmt: skip
    return stirred(network)  # type: ignore[return-value]


def theirs(state: dict[str, Tensor]) -> dict[str, Tensor]:
    found = {}
    for name, value in state.items():
        layer, kind = name.rsplit(".", 1)
        start = max((k for k in NAMES if layer == k or layer.startswith(k + ".")), key=len)
        rest = layer[len(start) + 1 :]
        value = value[..., 0] if value.ndim == 3 else value
        if rest == "qkv":
            found |= {f"{NAMES[start]}.to_{x}.{kind}": part.clone() for x, part in zip("qkv", value.chunk(3))}
        else:
            found[".".join(filter(None, (NAMES[start], PARTS.get(rest, rest), kind)))] = value
    return found


def folder(place: Path, state: dict[str, Tensor], unet: dict[str, Any], **scheduler: Any) -> Path:
    for part, name, value in (("unet", "config", unet), ("scheduler", "scheduler_config", scheduler)):
        (place / part).mkdir(parents=True)
        (place / part / f"{name}.json").write_text(json.dumps(value))
    save_file(state, place / "unet" / "diffusion_pytorch_model.safetensors")
    return place


def test_a_pipeline_computes_what_it_did(tmp_path: Path) -> None:
    network = adm()
    found = load(folder(tmp_path / "a", theirs(network.state_dict()), UNET, beta_schedule="linear"))
    x, t, y = torch.randn(2, 1, 8, 8), torch.tensor([3.0, 700.0]), torch.tensor([3, 0])
    with torch.no_grad():
        torch.testing.assert_close(found.D.F(x, t, y), network(x, t, y), atol=1e-4, rtol=1e-4)
    assert (found.event, found.classes) == ((1, 8, 8), 4)
    torch.testing.assert_close(found.schedule.sigmas, linear().sigmas)


def test_sines_before_cosines_are_turned_round(tmp_path: Path) -> None:
    network = adm()
    state = theirs(network.state_dict())
    first = state["time_embedding.linear_1.weight"]
    state["time_embedding.linear_1.weight"] = torch.cat((first[:, 16:], first[:, :16]), 1)
    found = load(folder(tmp_path / "a", state, UNET | {"flip_sin_to_cos": False}))
    x, t, y = torch.randn(2, 1, 8, 8), torch.tensor([3.0, 700.0]), torch.tensor([3, 0])
    with torch.no_grad():
        torch.testing.assert_close(found.D.F(x, t, y), network(x, t, y), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("theirs_predicts", "ours"), [("epsilon", "noise"), ("sample", "x0"), ("v_prediction", "v")])
def test_what_is_predicted_and_told(tmp_path: Path, theirs_predicts: str, ours: str) -> None:
    config = {"prediction_type": theirs_predicts, "num_train_timesteps": 40, "beta_end": 0.3}
    found = load(folder(tmp_path / "a", theirs(adm().state_dict()), UNET, **config))
    assert found.D.parameterisation is PARAMETERISATIONS[ours]
    torch.testing.assert_close(found.D.told(found.schedule.sigmas), torch.arange(40.0, dtype=torch.double))


def test_levels_of_each_rule() -> None:
    kept = (1 - torch.linspace(0.01, 0.04, 10, dtype=torch.double).sqrt().square()).cumprod(0)
    found = schedule_of({"num_train_timesteps": 10, "beta_start": 0.01, "beta_end": 0.04})
    torch.testing.assert_close(found.sigmas, (1 / kept - 1).sqrt())
    kept = (1 - torch.linspace(0.1, 0.2, 10, dtype=torch.double) ** 2).cumprod(0)
    config = {"num_train_timesteps": 10, "beta_start": 0.01, "beta_end": 0.04, "beta_schedule": "scaled_linear"}
    torch.testing.assert_close(schedule_of(config).sigmas, (1 / kept - 1).sqrt())
    torch.testing.assert_close(schedule_of({"beta_schedule": "squaredcos_cap_v2"}).sigmas, cosine().sigmas)
    assert schedule_of({"trained_betas": [0.1, 0.2]}).betas.tolist() == [0.1, 0.2]
    for wrong in ({"beta_schedule": "sigmoid"}, {"rescale_betas_zero_snr": True}):
        with pytest.raises(InputError, match=r"sigmoid|zero_snr"):
            schedule_of(wrong)


@pytest.mark.parametrize("updown", [False, True])
def test_a_round_trip_changes_no_bit(tmp_path: Path, updown: bool) -> None:
    plan = Plan(32, (1, 2), 1, (4,), head_channels=16, groups=8, resblock_updown=updown)
    net = stirred(UNet((1, 8, 8), outputs=2, classes=3, plan=plan))
    D, schedule = Preconditioned(net, PARAMETERISATIONS["v"], cosine().told, learned=True), cosine()
    save(tmp_path / "out", D, schedule)
    back = load(tmp_path / "out")
    assert all(torch.equal(v, back.D.F.state_dict()[k]) for k, v in net.state_dict().items())
    torch.testing.assert_close(back.schedule.sigmas, schedule.sigmas)
    assert (back.D.learned, back.D.parameterisation) == (True, D.parameterisation)


def test_what_cannot_be_written_or_read_is_named(tmp_path: Path) -> None:
    net = UNet((1, 8, 8), width=8, multipliers=(1, 2), attention=(4,), head_channels=8, groups=4)
    D = Preconditioned(net, PARAMETERISATIONS["noise"], cosine().told)
    for levels in (Karras(), cosine(100)):
        with pytest.raises(InputError, match="a scheduler has 1000 levels"):
            save(tmp_path / "a", D, levels)
    with pytest.raises(InputError, match="predict noise, x0, v"):
        save(tmp_path / "a", Preconditioned(net, edm(), cosine().told), cosine())
    assert not (tmp_path / "a").exists()
    with pytest.raises(InputError, match="does not exist"):
        load(tmp_path / "a")
    state = theirs(adm().state_dict())
    with pytest.raises(InputError, match="prediction_type 'flow'"):
        load(folder(tmp_path / "b", state, UNET, prediction_type="flow"))
    with pytest.raises(InputError, match="gives 1 numbers a pixel, its scheduler wants 2"):
        load(folder(tmp_path / "c", state, UNET, variance_type="learned_range"))


KINDS = {
    "conv": {"down_block_types": ("DownBlock2D", "AttnDownBlock2D", "DownBlock2D"),
             "up_block_types": ("UpBlock2D", "AttnUpBlock2D", "UpBlock2D")},
    "ddpm": {"down_block_types": ("DownBlock2D", "AttnDownBlock2D", "DownBlock2D"), "freq_shift": 1, "norm_eps": 1e-6,
             "up_block_types": ("UpBlock2D", "AttnUpBlock2D", "UpBlock2D"), "flip_sin_to_cos": False,
             "downsample_padding": 0, "attention_head_dim": None},
    "resnet": {"down_block_types": ("ResnetDownsampleBlock2D", "AttnDownBlock2D", "ResnetDownsampleBlock2D"),
               "up_block_types": ("ResnetUpsampleBlock2D", "AttnUpBlock2D", "ResnetUpsampleBlock2D"),
               "downsample_type": "resnet", "upsample_type": "resnet", "resnet_time_scale_shift": "scale_shift",
               "attn_norm_num_groups": 8, "num_class_embeds": 3},
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_what_the_package_computes_there_and_back(tmp_path: Path, kind: str) -> None:
    diffusers = pytest.importorskip("diffusers", reason="parity with diffusers needs diffusers")
    given = {"attention_head_dim": 8, "norm_num_groups": 8} | KINDS[kind]
    unet = diffusers.UNet2DModel(sample_size=8, block_out_channels=(16, 32, 48), layers_per_block=2, **given)
    unet = stirred(unet).eval()
    pipeline = diffusers.DDPMPipeline(unet, diffusers.DDPMScheduler(beta_schedule="squaredcos_cap_v2"))
    pipeline.save_pretrained(tmp_path / "theirs")
    found = load(tmp_path / "theirs")
    x, t = torch.randn(2, 3, 8, 8), torch.tensor([3.0, 700.0])
    y = torch.tensor([2, 0]) if "num_class_embeds" in given else None
    with torch.no_grad():
        wanted = Foreign(unet)(x, t, y)
        torch.testing.assert_close(found.D.F(x, t, y), wanted, atol=1e-4, rtol=1e-4)
        save(tmp_path / "ours", found.D, found.schedule)
        back = diffusers.DDPMPipeline.from_pretrained(tmp_path / "ours", safety_checker=None)
        torch.testing.assert_close(Foreign(back.unet)(x, t, y), wanted, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(back.scheduler.alphas_cumprod, pipeline.scheduler.alphas_cumprod, atol=1e-6, rtol=1e-5)
