"""What is learned on one task used for another: a trunk that stays as it is, or that moves slower than its new head.

    feature extraction   W ← W − η ∇L,   the trunk θ fixed                                          (1)
    fine-tuning          θ_k ← θ_k − η φ γ^(K−k) ∇L,    k = 1 … K from the pixels up                (2)

φ is the factor of the trunk, γ the decay with depth (ULMFiT's discriminative rates): what is near the pixels serves any
task, what is near the head served the old one. Fixed features win where labels are few or the new task is near;
fine-tuning where there are more.

Jason Yosinski, Jeff Clune, Yoshua Bengio, Hod Lipson. How transferable are features in deep neural networks? 2014.
https://arxiv.org/abs/1411.1792
Jeremy Howard, Sebastian Ruder. Universal Language Model Fine-tuning for Text Classification. 2018.
https://arxiv.org/abs/1801.06146
"""

from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn

from likeness.errors import InputError

NORMS = nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm


class Frozen(nn.Module):
    """An encoder whose parameters and statistics stay as they are: evaluation mode, no gradients, nothing trainable.

    The encoder that it is given is the one that it holds: its parameters ask for no gradient from then on.
    """

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder.requires_grad_(False).eval()
        self.d = encoder.d

    def train(self, mode: bool = True) -> "Frozen":
        """The mode of what stands around it; its own is always evaluation."""
        super().train(mode)
        self.encoder.eval()
        return self

    @torch.no_grad()
    def forward(self, x: Tensor, *more: Any) -> Tensor:
        return self.encoder(x, *more)  # (1)


def frozen(encoder: nn.Module) -> Frozen:
    """The encoder for feature extraction."""
    return Frozen(encoder)


def thawed(encoder: Frozen) -> nn.Module:
    """The encoder within, which can be trained again."""
    return encoder.encoder.requires_grad_(True).train(encoder.training)


def groups(
    encoder: nn.Module, head: nn.Module, *, lr: float, factor: float = 0.1, decay: float = 1.0
) -> list[dict[str, Any]]:
    """Groups of parameters for an optimiser: the trunk's layers from the pixels up, then the head.

    Args:
        encoder: the trunk; parameters that ask for no gradient are left out.
        head: what is new, with the whole rate.
        lr: rate of the head.
        factor: that of the trunk's last layer is so much of it; SwAV has 0.004 (of 1 % of the labels) and 0.05 (10 %).
        decay: of each layer's rate against that of the one above it; 1 for one rate.

    Raises:
        InputError: a rate would be zero, negative or larger below than above.
    """
    if not (lr > 0 and 0 < factor <= 1 and 0 < decay <= 1):
        raise InputError(f"lr {lr}, factor {factor}, decay {decay}: above zero all, and the latter two at most one")
    found = [[p for p in layer if p.requires_grad] for layer in layers(encoder)]
    trunk = [layer for layer in found if layer]
    rates = [lr * factor * decay ** (len(trunk) - k) for k in range(1, len(trunk) + 1)]  # (2)
    if decay == 1 and trunk:
        trunk, rates = [[p for layer in trunk for p in layer]], [lr * factor]
    return [*({"params": p, "lr": r} for p, r in zip(trunk, rates)), {"params": list(head.parameters()), "lr": lr}]


def layers(encoder: nn.Module) -> list[list[nn.Parameter]]:
    """The parameters of each layer or block, in the order in which the encoder was built: from the pixels up.

    A block is what a list or a sequence of modules holds; what lies in it is not taken apart. A normalisation belongs
    to the layer before it, parameters of the encoder itself (positions, a token) to the first one.
    """
    named = [(_block(encoder, name), p) for name, p in encoder.named_parameters()]
    found = [(block, [p for _, p in part]) for block, part in groupby(named, lambda pair: pair[0])]
    joined: list[list[nn.Parameter]] = []
    open_ended = False  # whether the next block still belongs to the last one
    for block, parameters in found:
        if joined and (open_ended or isinstance(encoder.get_submodule(block), NORMS)):
            joined[-1] += parameters
        else:
            joined.append(parameters)
        open_ended = not block
    return joined


def _block(encoder: nn.Module, name: str) -> str:
    """The name of the block that a parameter lies in: down to the first member of a sequence that is not one itself."""
    parts, module, path = name.split(".")[:-1], encoder, []
    for part in parts:
        inside = isinstance(module, nn.Sequential | nn.ModuleList)
        module = module.get_submodule(part)
        path.append(part)
        if inside and not isinstance(module, nn.Sequential | nn.ModuleList):
            break
    return ".".join(path)
