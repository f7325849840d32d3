"""Encoders of `timm`, by their name there, as encoders of ours.

    f = timm_encoder("convnext_nano", weights=Path("convnext_nano.safetensors"))

`timm` is an extra: pip install 'likeness[encoders]'. Nothing is downloaded: weights come from a file, such as the
model.safetensors of a repository of the hub. What the weights want to be shown (mean and spread of pixels) is what timm
says of them. Batch normalisation is replaced by that of this library, so that N processes learn what one would.

Ross Wightman. PyTorch Image Models. 2019. https://github.com/huggingface/pytorch-image-models
"""

from difflib import get_close_matches
from pathlib import Path
from typing import Any

from torch import nn

from likeness.errors import InputError
from likeness.nn.blocks import BatchNorm1d, BatchNorm2d
from likeness.nn.foreign import Foreign, fill, tensors


def timm_encoder(name: str, *, weights: Path | None = None, **given: object) -> Foreign:
    """The model without its classifier: images (n, 1 or 3, h, w) in [-1, 1] to features (n, d).

    Args:
        name: of the architecture, as timm says it.
        weights: a file of its tensors; None leaves it untrained.
        given: more for `timm.create_model`, such as `img_size=64`.

    Raises:
        InputError: timm is not installed or knows no such model, or the file does not fit it.
    """
    timm = _timm()
    if not timm.is_model(name):
        near = " or ".join(get_close_matches(name, timm.list_models())) or "one of timm.list_models()"
        raise InputError(f"timm has no model {name!r}: did you mean {near}?")
    model = timm.create_model(name, pretrained=False, num_classes=0, **given)
    if weights is not None:
        fill(model, tensors(weights), str(weights), dropped=_classifiers(model))
    told = model.pretrained_cfg
    d = getattr(model, "head_hidden_size", None) or model.num_features  # some have a wide layer before their classes
    return Foreign(with_our_norms(model), int(d), told["mean"], told["std"])


def with_our_norms(module: nn.Module) -> nn.Module:
    """The module, whose batch normalisations look at the whole batch, also where processes share it.

    Raises:
        InputError: one of them is of a kind that is not known here.
    """
    for name, part in list(module.named_children()):
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            setattr(module, name, _ours(part))
        else:
            with_our_norms(part)
    return module


def _ours(norm: nn.modules.batchnorm._BatchNorm) -> nn.Module:
    kinds: tuple[tuple[type[nn.Module], type[BatchNorm1d] | type[BatchNorm2d]], ...]
    kinds = ((nn.BatchNorm1d, BatchNorm1d), (nn.BatchNorm2d, BatchNorm2d))
    kind = next((ours for theirs, ours in kinds if isinstance(norm, theirs)), None)
    after = [part for name, part in norm.named_children() if name in ("drop", "act")]  # timm's normalise and rectify
    plain = norm.affine and norm.track_running_stats and norm.momentum is not None
    if kind is None or not plain or len(after) != len(list(norm.children())):
        raise InputError(f"a batch normalisation of type {type(norm).__name__}: none here has the same statistics")
    ours = kind(norm.num_features, eps=norm.eps, momentum=norm.momentum)
    ours.load_state_dict({name: value for name, value in norm.state_dict().items() if "." not in name})
    return nn.Sequential(ours, *after) if after else ours


def _classifiers(model: nn.Module) -> tuple[str, ...]:
    """Beginnings of the names of layers that the file may have and an encoder lacks."""
    told = getattr(model, "pretrained_cfg", {}).get("classifier") or ()
    return tuple(f"{name}." for name in ([told] if isinstance(told, str) else told))


def _timm() -> Any:
    try:
        import timm
    except (ImportError, RuntimeError) as error:  # torchvision, which it imports, may be one for another torch
        raise InputError(f"timm cannot be imported ({error}): pip install 'likeness[encoders]'") from None
    return timm
