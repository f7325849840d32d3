"""What the benchmarks against peers share: whether a peer is there, rounds of steps, the share of the device's best."""

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from harness import record, side_by_side
from torch import Tensor, nn

from likeness.run.speed import ROUND, matmul_peak

INSTALL = (
    "pip install --no-deps --target peers torchgan pythae diffusers accelerate huggingface_hub httpx2 httpcore2 "
    "truststore fsspec regex tqdm imageio denoising-diffusion-pytorch einops ema-pytorch pytorch-fid lightly, then "
    "PYTHONPATH=peers python {}"
)


def missing(*names: str) -> bool:
    """Whether a peer is not installed; says in one line what to install."""
    lacking = [name for name in names if importlib.util.find_spec(name) is None]
    if lacking:
        print(f"left out, {', '.join(lacking)} is not installed: {INSTALL.format(sys.argv[0])}")
    return bool(lacking)


def lightly_loss() -> Any:
    """The file of lightly's NT-Xent, without the packages around it, which need torchvision; None if not installed."""
    if "lightly.loss.ntx_ent_loss" not in sys.modules:
        spec = importlib.util.find_spec("lightly")
        if spec is None or spec.origin is None:
            return None
        for name in ("", ".loss", ".models", ".models.modules", ".models.utils", ".utils"):
            package = ModuleType("lightly" + name)
            package.__path__ = [str(Path(spec.origin).parent.joinpath(*name.split(".")[1:]))]
            sys.modules["lightly" + name] = package
    return importlib.import_module("lightly.loss.ntx_ent_loss")


@contextmanager
def silent() -> Iterator[None]:
    """Nothing on standard output and standard error, whoever writes."""
    kept = os.dup(1), os.dup(2)
    sys.stdout.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1), os.dup2(nowhere, 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept[0], 1), os.dup2(kept[1], 2)
        for handle in (*kept, nowhere):
            os.close(handle)


def against(
    name: str,
    steps: dict[str, Callable[[], Any]],
    operations: float,
    *,
    peer: str,
    rounds: int,
    each: int = ROUND,
    bar: float = 1.3,
) -> None:
    """Rounds of steps side by side; the first against "by hand" and against the peer, with the share of peak of each.

    `operations` are those that a step needs, counted in ours; `each` is the number of steps in a round; `bar` is by
    how much ours is to be faster than the peer.
    """

    def repeated(step: Callable[[], Any]) -> Callable[[], None]:
        def work() -> None:
            for _ in range(each):
                step()

        return work

    with silent():
        times = side_by_side({label: repeated(step) for label, step in steps.items()}, rounds=rounds, warm=1)
    times = {label: [t / each for t in found] for label, found in times.items()}
    peak = matmul_peak(torch.device("cpu"), torch.float32)
    shares = {label: operations / sorted(found)[len(found) // 2] / peak for label, found in times.items()}
    facts = {"flops_per_step": operations, "matmul_peak": peak, "share_of_peak": shares}
    ours = next(iter(times))
    hand = {label: times[label] for label in (ours, "by hand")}
    record(f"{name}_by_hand", hand, reference="by hand", bar=1.02, better="lower", facts=facts)
    rest = {label: found for label, found in times.items() if label != "by hand"}
    record(f"{name}_peer", rest, reference=peer, bar=bar, better="higher", facts=facts)
    for label, share in shares.items():
        print(f"{name:12s} {label:28s} {share:10.1%} of {peak / 1e9:.0f} GFLOP/s")


def unet(event: tuple[int, ...]) -> nn.Module:
    """The network that diffusion's loops are measured with, of diffusers."""
    from diffusers import UNet2DModel

    torch.manual_seed(0)
    return UNet2DModel(
        sample_size=event[1],
        in_channels=1,
        out_channels=1,
        layers_per_block=1,
        block_out_channels=(32, 64, 64),
        down_block_types=("DownBlock2D", "AttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
        norm_num_groups=8,
    )


class Adapted(nn.Module):
    """It as ours and as denoising-diffusion-pytorch call one, with what the latter asks it about itself."""

    channels = out_dim = 1
    self_condition = random_or_learned_sinusoidal_cond = False

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, t: Tensor, *_: object) -> Tensor:
        return self.net(x, t).sample
