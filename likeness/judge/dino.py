"""DINOv2 features: a self-supervised network whose Fréchet distances agree with people better than Inception's.

Images in [−1, 1] get three channels and 224 × 224 pixels (bicubic, with antialiasing), then ImageNet's mean and spread;
the features are the class token after the last layer.

George Stein et al. Exposing Flaws of Generative Model Evaluation Metrics. 2023. https://arxiv.org/abs/2306.04675
Maxime Oquab et al. DINOv2: Learning Robust Visual Features without Supervision. 2023. https://arxiv.org/abs/2304.07193
"""

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from likeness.errors import InputError
from likeness.judge.features import FeatureSpace
from likeness.judge.protocol import weights_hash

SIDE = 224
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class ClassToken(nn.Module):
    """The class token of a vision transformer for images in [−1, 1]."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network(pixel_values=prepare(x)).last_hidden_state[:, 0]


def prepare(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 3 224 224"]:
    """Images as the network wants them.

    Raises:
        InputError: the images have neither one channel nor three.
    """
    if x.ndim != 4 or x.shape[1] not in (1, 3):
        raise InputError(f"DINOv2 features are of images (n, 1 or 3, h, w), got {tuple(x.shape)}: use raw or pca")
    unit = ((x.float() + 1) / 2).clamp(0, 1).expand(-1, 3, -1, -1)
    resized = F.interpolate(unit, size=(SIDE, SIDE), mode="bicubic", align_corners=False, antialias=True).clamp(0, 1)
    mean, std = (torch.tensor(v, device=x.device)[:, None, None] for v in (MEAN, STD))
    return (resized - mean) / std


def dinov2(source: Path | str = "facebook/dinov2-base") -> FeatureSpace:
    """DINOv2 features of images in [−1, 1], by the name of a model or the folder of one (safetensors only).

    Raises:
        InputError: the extra `features` is not installed, or the weights cannot be had.
    """
    try:
        from transformers import AutoModel
    except ImportError:
        raise InputError("DINOv2 features need transformers: pip install 'likeness[features]'") from None
    try:
        network = AutoModel.from_pretrained(str(source), use_safetensors=True)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"no DINOv2 weights from {source} ({reason}): give the folder of a downloaded model") from None
    return class_token(network)


def class_token(network: nn.Module) -> FeatureSpace:
    """The feature space of a loaded vision transformer."""
    network.eval().requires_grad_(False)
    resize = f"bicubic to {SIDE} with antialiasing"
    return FeatureSpace("dinov2", ClassToken(network), weights_hash(network.state_dict()), resize)
