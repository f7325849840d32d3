"""Fifty steps of DDIM for 64 images: ours, by hand, and the loops of diffusers and of denoising-diffusion-pytorch.

The same network (diffusers' UNet2DModel, 16×16), schedule and number of steps, x̂₀ clamped to −1 … 1, one thread. Theirs
are DDIMPipeline, whose images end as an array, and GaussianDiffusion.sample. Ours stands beside itself with weights in
channels-last order, which is how our own networks come. The bars: at most 2 % more than by hand, at least 1.2 times as
fast as either peer. What is left besides the network is printed: it bounds what any loop can win.
"""

import statistics
import time
from collections.abc import Callable

import torch
from harness import record, side_by_side
from peers import Adapted, missing, silent, unet
from torch import Tensor, nn

from likeness.diffusion.ddim import ddim
from likeness.diffusion.denoisers import PARAMETERISATIONS, Preconditioned, clamped
from likeness.diffusion.respacing import respaced
from likeness.diffusion.sampler import Diffused
from likeness.diffusion.schedules import linear
from likeness.nn.blocks import channels_last

EVENT, N, STEPS, T = (1, 16, 16), 64, 50, 1000


def network() -> nn.Module:
    return unet(EVENT).eval()


def ours(prepare: Callable[[nn.Module], object] = lambda net: None) -> Callable[[], Tensor]:
    net = Adapted(network())
    prepare(net)
    schedule = linear(T)
    D = clamped(Preconditioned(net, PARAMETERISATIONS["noise"], schedule.told))
    sampler = Diffused(D, ddim(), respaced(schedule, f"ddim{STEPS}"), EVENT)
    return lambda: sampler(N, generator=0)


def by_hand() -> Callable[[], Tensor]:
    net = network()
    kept = (1 - torch.linspace(1e-4, 0.02, T)).cumprod(0)
    times = list(range(0, T, T // STEPS))[::-1]

    @torch.no_grad()
    def draw() -> Tensor:
        x = torch.randn(N, *EVENT)
        for i, t in enumerate(times):
            a, b = kept[t], kept[times[i + 1]] if i + 1 < STEPS else torch.ones(())
            noise = net(x, torch.full((N,), t)).sample
            x0 = ((x - (1 - a).sqrt() * noise) / a.sqrt()).clamp(-1, 1)
            noise = (x - a.sqrt() * x0) / (1 - a).sqrt()
            x = b.sqrt() * x0 + (1 - b).sqrt() * noise
        return x

    return draw


def diffusers() -> Callable[[], object]:
    from diffusers import DDIMPipeline, DDIMScheduler

    pipeline = DDIMPipeline(network(), DDIMScheduler(T, beta_schedule="linear"))
    return lambda: pipeline(batch_size=N, num_inference_steps=STEPS, output_type="np").images


def denoising_diffusion() -> Callable[[], object]:
    from denoising_diffusion_pytorch import GaussianDiffusion

    diffusion = GaussianDiffusion(
        Adapted(network()), image_size=EVENT[1], timesteps=T, sampling_timesteps=STEPS, beta_schedule="linear"
    )
    return lambda: diffusion.sample(batch_size=N)


def forwards() -> Callable[[], None]:
    """The network alone, as often as a draw calls it."""
    net, x, t = network(), torch.randn(N, *EVENT), torch.full((N,), 500)

    @torch.no_grad()
    def work() -> None:
        for _ in range(STEPS):
            net(x, t)

    return work


def main() -> None:
    if missing("diffusers", "denoising_diffusion_pytorch"):
        return
    torch.set_num_threads(1)
    with silent():
        work = {
            "likeness": ours(),
            "likeness, channels last": ours(channels_last),
            "by hand": by_hand(),
            "diffusers": diffusers(),
            "denoising-diffusion-pytorch": denoising_diffusion(),
            "the network alone": forwards(),
        }
        times = side_by_side(work, rounds=6, warm=1)
    median = {name: statistics.median(found) for name, found in times.items()}
    facts = {"share_of_network": {name: round(median["the network alone"] / m, 3) for name, m in median.items()}}
    record("ddim_by_hand", {k: times[k] for k in ("likeness", "by hand")}, reference="by hand", bar=1.02,
           better="lower", facts=facts)  # fmt: skip
    for peer in ("diffusers", "denoising-diffusion-pytorch"):
        for mine in ("likeness", "likeness, channels last"):
            name = f"ddim_{peer.replace('-', '_')}" + ("_channels_last" if "," in mine else "")
            record(name, {k: times[k] for k in (mine, peer)}, reference=peer, bar=1.2, better="higher", facts=facts)
    for name, share in facts["share_of_network"].items():
        print(f"{'ddim':12s} {name:28s} {share:10.1%} of its time is that of the network alone")


if __name__ == "__main__":
    start = time.perf_counter()
    main()
    print(f"{time.perf_counter() - start:.0f} s")
