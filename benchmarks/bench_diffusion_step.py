"""A training step of a diffusion model: ours, by hand, and the loops of diffusers and of denoising-diffusion-pytorch.

The same network (diffusers' UNet2DModel, 32×32), batch, loss and schedule; gradients clipped, weights averaged; one
thread. Theirs are the body of examples/unconditional_image_generation/train_unconditional.py (accelerate, AdamW,
DDPMScheduler.add_noise, EMAModel, the progress bar with the loss in it) and the body of Trainer.train around
GaussianDiffusion (accelerate, Adam, EMA at every tenth step). Ours is `Diffusion` with fused AdamW and an average in
two launches, beside itself with weights in channels-last order, which is how our own networks come.

The bars: at most 2 % more than by hand, at least 1.2 times as fast as either peer. What the network alone needs,
forward and backward, is printed: it bounds what any loop can win.
"""

import copy
import statistics
import sys
from collections.abc import Callable
from types import ModuleType

import torch
from harness import record, side_by_side
from peers import Adapted, missing, silent, unet
from torch import Tensor, nn
from torch.nn.functional import mse_loss
from torch.nn.utils import clip_grad_norm_
from torch.optim import Adam, AdamW

from likeness.core import learn
from likeness.data.batch import Batch
from likeness.diffusion.ddim import ddim
from likeness.diffusion.denoisers import PARAMETERISATIONS, Preconditioned
from likeness.diffusion.diffusion import Diffusion
from likeness.diffusion.schedules import linear
from likeness.nn import average
from likeness.nn.blocks import channels_last

EVENT, N, STEPS, DECAY, EACH = (1, 32, 32), 16, 1000, 0.9999, 2
RATES = {"lr": 1e-4, "betas": (0.95, 0.999), "weight_decay": 1e-6, "eps": 1e-8}


def network() -> nn.Module:
    return unet(EVENT)


def ours(x: Tensor, prepare: Callable[[nn.Module], object] = lambda net: None) -> Callable[[], object]:
    net, schedule = Adapted(network()), linear(STEPS)
    prepare(net)
    D = Preconditioned(net, PARAMETERISATIONS["noise"], schedule.told)
    method = Diffusion(D, schedule, EVENT, rule=ddim(), sigmas=schedule.levels(50)).train()
    moves, ema, moving = AdamW(D.parameters(), fused=True, **RATES), average(D, DECAY), list(D.parameters())

    def step() -> None:
        learn(method, Batch(x), moves, lambda _: clip_grad_norm_(moving, 1.0))
        ema.update(D)

    return step


def by_hand(x: Tensor) -> Callable[[], object]:
    net = network().train()
    kept = (1 - torch.linspace(1e-4, 0.02, STEPS)).cumprod(0)[:, None, None, None]
    moves = AdamW(net.parameters(), fused=True, **RATES)
    ema = copy.deepcopy(net).eval().requires_grad_(False)
    old, new = list(ema.parameters()), list(net.parameters())

    def step() -> None:
        noise, t = torch.randn_like(x), torch.randint(STEPS, (len(x),))
        moves.zero_grad()
        noisy = kept[t].sqrt() * x + (1 - kept[t]).sqrt() * noise
        mse_loss(net(noisy, t).sample, noise).backward()
        clip_grad_norm_(new, 1.0)
        moves.step()
        with torch.no_grad():
            torch._foreach_lerp_(old, new, 1 - DECAY)

    return step


def diffusers(x: Tensor) -> Callable[[], object]:
    """The body of the published loop; its images come from a DataLoader, here they are the same each time."""
    from accelerate import Accelerator
    from diffusers import DDPMScheduler
    from diffusers.optimization import get_scheduler
    from diffusers.training_utils import EMAModel
    from tqdm.auto import tqdm

    accelerator = Accelerator(cpu=True)
    model = network()
    kind = {"model_cls": type(model), "model_config": model.config}
    ema = EMAModel(model.parameters(), decay=DECAY, use_ema_warmup=True, inv_gamma=1.0, power=3 / 4, **kind)
    noise_scheduler = DDPMScheduler(num_train_timesteps=STEPS, beta_schedule="linear")
    optimizer = AdamW(model.parameters(), **RATES)
    lr_scheduler = get_scheduler("cosine", optimizer=optimizer, num_warmup_steps=500, num_training_steps=10_000)
    model, optimizer, lr_scheduler = accelerator.prepare(model, optimizer, lr_scheduler)
    model.train()
    progress_bar, global_step = tqdm(total=10_000), 0

    def step() -> None:
        nonlocal global_step
        noise = torch.randn(x.shape)
        timesteps = torch.randint(0, noise_scheduler.config.num_train_timesteps, (len(x),)).long()
        noisy_images = noise_scheduler.add_noise(x, noise, timesteps)
        with accelerator.accumulate(model):
            loss = mse_loss(model(noisy_images, timesteps).sample.float(), noise.float())
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                accelerator.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            lr_scheduler.step()
            optimizer.zero_grad()
        if accelerator.sync_gradients:
            ema.step(model.parameters())
            progress_bar.update(1)
            global_step += 1
        logs = {"loss": loss.detach().item(), "lr": lr_scheduler.get_last_lr()[0], "step": global_step}
        logs["ema_decay"] = ema.cur_decay_value
        progress_bar.set_postfix(**logs)
        accelerator.log(logs, step=global_step)

    return step


def denoising_diffusion(x: Tensor) -> Callable[[], object]:
    """The body of its trainer, whose images come from a DataLoader; pixels lie in [0, 1] there."""
    for name in ("torchvision", "torchvision.transforms", "torchvision.utils"):
        sys.modules.setdefault(name, ModuleType(name))  # only its pictures need it
    from accelerate import Accelerator
    from denoising_diffusion_pytorch import GaussianDiffusion
    from ema_pytorch import EMA
    from tqdm.auto import tqdm

    accelerator, data = Accelerator(cpu=True), (x + 1) / 2
    given = {"timesteps": STEPS, "beta_schedule": "linear", "objective": "pred_noise"}
    model = GaussianDiffusion(Adapted(network()), image_size=EVENT[1], **given)
    opt = Adam(model.parameters(), lr=1e-4, betas=(0.9, 0.99))
    ema = EMA(model, beta=0.995, update_every=10)
    model, opt = accelerator.prepare(model, opt)
    pbar = tqdm(total=10_000)

    def step() -> None:
        model.train()
        with accelerator.autocast():
            loss = model(data)
        total_loss = loss.item()
        accelerator.backward(loss)
        pbar.set_description(f"loss: {total_loss:.4f}")
        accelerator.wait_for_everyone()
        accelerator.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        opt.zero_grad()
        accelerator.wait_for_everyone()
        ema.update()
        pbar.update(1)

    return step


def alone(x: Tensor) -> Callable[[], object]:
    """The network forward and backward, and nothing else."""
    net, t = network().train(), torch.full((len(x),), 500)

    def step() -> None:
        net.zero_grad()
        net(x, t).sample.square().mean().backward()

    return step


def several(step: Callable[[], object]) -> Callable[[], None]:
    def work() -> None:
        for _ in range(EACH):
            step()

    return work


def main() -> None:
    if missing("diffusers", "accelerate", "denoising_diffusion_pytorch"):
        return
    torch.set_num_threads(1)
    x = torch.rand(N, *EVENT) * 2 - 1
    with silent():
        work = {
            "likeness": ours(x),
            "likeness, channels last": ours(x, channels_last),
            "by hand": by_hand(x),
            "diffusers": diffusers(x),
            "denoising-diffusion-pytorch": denoising_diffusion(x),
            "the network alone": alone(x),
        }
        times = side_by_side({name: several(step) for name, step in work.items()}, rounds=8, warm=1)
    times = {name: [t / EACH for t in found] for name, found in times.items()}
    median = {name: statistics.median(found) for name, found in times.items()}
    facts = {"share_of_network": {name: round(median["the network alone"] / m, 3) for name, m in median.items()}}
    hand = {k: times[k] for k in ("likeness", "by hand")}
    record("diffusion_step_by_hand", hand, reference="by hand", bar=1.02, better="lower", facts=facts)
    for peer in ("diffusers", "denoising-diffusion-pytorch"):
        for mine in ("likeness", "likeness, channels last"):
            name = f"diffusion_step_{peer.replace('-', '_')}" + ("_channels_last" if "," in mine else "")
            record(name, {k: times[k] for k in (mine, peer)}, reference=peer, bar=1.2, better="higher", facts=facts)
    for name, share in facts["share_of_network"].items():
        print(f"{'step':12s} {name:28s} {share:10.1%} of its time is that of the network alone")


if __name__ == "__main__":
    main()
