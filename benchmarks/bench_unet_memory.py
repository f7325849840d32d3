"""What forgetting saves: peak memory of a step of the U-Net of ADM with activation checkpointing, against without.

A step is forward, backward and AdamW, of 8 images of 64×64 and 2 million parameters; each in a process of its own,
whose peak is counted above what it holds before the first step (the network, its data, the libraries). The bar: at
most 0.6 of the memory. The time of both is written down too.
"""

import json
import multiprocessing
import resource
import statistics
import time
from multiprocessing.connection import Connection

import torch
from harness import RESULTS
from torch.optim import AdamW

from likeness.nn.adm_unet import Plan, UNet

EVENT, N, STEPS, BAR = (3, 64, 64), 8, 2, 0.6
PLAN = Plan(width=32, multipliers=(1, 2, 2), blocks=2, attention=(16,), head_channels=32)


def peak() -> float:
    """MiB that this process held at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def measure(checkpoint: bool, answer: Connection) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    net = UNet(EVENT, plan=PLAN, checkpoint=checkpoint)
    moves = AdamW(net.parameters(), 1e-4, fused=True)
    x, t = torch.randn(N, *EVENT), torch.linspace(0, 999, N)
    before, times = peak(), []
    for _ in range(STEPS):
        start = time.perf_counter()
        moves.zero_grad()
        net(x, t).square().mean().backward()
        moves.step()
        times.append(time.perf_counter() - start)
    parameters = sum(p.numel() for p in net.parameters())
    answer.send((peak() - before, statistics.median(times), parameters))


def of(checkpoint: bool) -> tuple[float, float, int]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=measure, args=(checkpoint, there))
    child.start()
    found = here.recv()
    child.join()
    return found


def main() -> None:
    (plain, plain_s, parameters), (less, less_s, _) = of(False), of(True)
    ratio, held = less / plain, less / plain <= BAR
    print(f"unet_memory  {'all kept':28s} {plain:10.0f} MiB {plain_s:8.2f} s")
    print(f"unet_memory  {'checkpoint=True':28s} {less:10.0f} MiB {less_s:8.2f} s")
    print(f"unet_memory  {'ratio':28s} {ratio:10.3f} (bar: ≤ {BAR}) {'held' if held else 'MISSED'}")
    value = {
        "benchmark": "unet_memory",
        "peak_mib": {"all kept": round(plain, 1), "checkpoint": round(less, 1)},
        "step_s": {"all kept": round(plain_s, 3), "checkpoint": round(less_s, 3)},
        "ratio": round(ratio, 4),
        "bar": BAR,
        "better": "lower",
        "held": held,
        "parameters": parameters,
        "machine": f"1 thread, torch {torch.__version__}",
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "unet_memory.json").write_text(json.dumps(value, indent=1) + "\n")


if __name__ == "__main__":
    main()
