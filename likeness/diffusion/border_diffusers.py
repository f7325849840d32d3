"""Unconditional and class-conditional pipelines of `diffusers` (DDPM, DDIM), both ways: a folder of two parts.

    unet/config.json, unet/diffusion_pytorch_model.safetensors     a UNet2DModel
    scheduler/scheduler_config.json                                β of its levels, and what the network predicts

A UNet2DModel of sinusoids, residual blocks and attention is the U-Net of this library in another order, without the
package. Levels below are of β as the scheduler has them:

    linear              β from β₁ to β_T                                                            (1)
    scaled_linear       √β from √β₁ to √β_T                                                         (2)
    squaredcos_cap_v2   the cosine of `schedules`

Patrick von Platen et al. Diffusers: State-of-the-art diffusion models. 2022. https://github.com/huggingface/diffusers
"""

from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from safetensors.torch import save_file
from torch import Tensor, nn

from likeness.diffusion.border import Pretrained, exported, fill
from likeness.diffusion.border_unet2d import configuration, layout, network_of, renamed
from likeness.diffusion.denoisers import PARAMETERISATIONS, Preconditioned
from likeness.diffusion.schedules import TOLD, Discrete, Schedule, cosine
from likeness.errors import InputError
from likeness.files import read_json, replacing, write_json
from likeness.nn.adm_unet import UNet
from likeness.nn.blocks import Labels
from likeness.nn.foreign import tensors

WEIGHTS = ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin")
PREDICTS = {"epsilon": "noise", "sample": "x0", "v_prediction": "v"}


def load(folder: Path) -> Pretrained:
    """The denoiser of a pipeline's folder.

    Raises:
        InputError: a part is missing, or is of a kind that has no counterpart here.
    """
    config = read_json(folder / "unet" / "config.json")
    scheduler = read_json(folder / "scheduler" / "scheduler_config.json")
    levels, predicts = schedule_of(scheduler), scheduler.get("prediction_type", "epsilon")
    if predicts not in PREDICTS:
        raise InputError(f"prediction_type {predicts!r} of {folder}: known are {', '.join(PREDICTS)}")
    net = network_of(config)
    path = next((p for name in WEIGHTS if (p := folder / "unet" / name).is_file()), folder / "unet" / WEIGHTS[0])
    fill(net, layout(net, bool(config.get("flip_sin_to_cos", True))), renamed(tensors(path)), str(path))
    told, learned = levels.T / TOLD, scheduler.get("variance_type") == "learned_range"
    if net.outputs != 1 + learned:
        raise InputError(f"{path} gives {net.outputs} numbers a pixel, its scheduler wants {1 + learned}")
    D = Preconditioned(net, PARAMETERISATIONS[PREDICTS[predicts]], lambda s: levels.told(s) * told, learned=learned)
    return Pretrained(D.eval(), levels, net.event, net.embedding.classes)


def schedule_of(config: dict[str, Any]) -> Discrete:
    """The levels of a scheduler of DDPM or DDIM.

    Raises:
        InputError: its β follow a rule that is not known.
    """
    T, rule = int(config.get("num_train_timesteps", 1000)), config.get("beta_schedule", "linear")
    low, high = float(config.get("beta_start", 1e-4)), float(config.get("beta_end", 0.02))
    if config.get("rescale_betas_zero_snr"):
        raise InputError("rescale_betas_zero_snr: the highest level would be without end; set it to false")
    if config.get("trained_betas") is not None:
        return Discrete(torch.tensor(config["trained_betas"], dtype=torch.double))
    if rule == "linear":
        return Discrete(torch.linspace(low, high, T, dtype=torch.double))  # (1)
    if rule == "scaled_linear":
        return Discrete(torch.linspace(low**0.5, high**0.5, T, dtype=torch.double).square())  # (2)
    if rule == "squaredcos_cap_v2":
        return cosine(T)
    raise InputError(f"beta_schedule {rule!r}: known are linear, scaled_linear, squaredcos_cap_v2 and trained_betas")


class Foreign(nn.Module):
    """A UNet2DModel of the package itself as a network F(x, t, y), for those that have no counterpart here."""

    def __init__(self, unet: nn.Module) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, x: Float[Tensor, "n c s s"], t: Float[Tensor, " n"], y: Labels = None) -> Tensor:
        return self.unet(x, t, class_labels=y).sample


def save(folder: Path, D: Preconditioned, schedule: Schedule) -> None:
    """Write a denoiser as the folder of a DDPM pipeline, which `DDPMPipeline.from_pretrained` opens.

    Raises:
        InputError: its network, its levels or what it predicts have no counterpart there.
    """
    config, scheduler = configuration(D.F), scheduling(D, schedule)
    assert isinstance(D.F, UNet)
    with replacing(folder) as beside:
        write_json(beside / "unet" / "config.json", config)
        save_file(exported(D.F, layout(D.F, True)), beside / "unet" / WEIGHTS[0], metadata={"format": "pt"})
        write_json(beside / "scheduler" / "scheduler_config.json", scheduler)
        parts = {"scheduler": ["diffusers", "DDPMScheduler"], "unet": ["diffusers", "UNet2DModel"]}
        write_json(
            beside / "model_index.json", {"_class_name": "DDPMPipeline", "_diffusers_version": "0.30.0", **parts}
        )


def scheduling(D: Preconditioned, schedule: Schedule) -> dict[str, Any]:
    """The configuration of a DDPMScheduler.

    Raises:
        InputError: levels without β or told otherwise; a prediction that is not known there.
    """
    if not isinstance(schedule, Discrete) or schedule.T != TOLD:
        raise InputError(f"levels of {type(schedule).__name__}: a scheduler has {TOLD} levels by their β")
    names = [name for name, ours in PREDICTS.items() if PARAMETERISATIONS[ours] is D.parameterisation]
    if not names:
        raise InputError(f"a scheduler knows networks that predict {', '.join(PREDICTS.values())}")
    return {
        "_class_name": "DDPMScheduler",
        "num_train_timesteps": TOLD,
        "trained_betas": schedule.betas.tolist(),
        "prediction_type": names[0],
        "variance_type": "learned_range" if D.learned else "fixed_small",
        "clip_sample": True,
    }
