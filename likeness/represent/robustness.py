"""How much of a probe's accuracy survives when test samples are corrupted, by kind of corruption and severity.

    drop                accuracy on clean samples less that on corrupted ones
    corruption error    CE_c = Σ_s (1 − A_{c,s}) / Σ_s (1 − A⁰_{c,s}),   mCE = mean over kinds c    (1)

A probe is fitted to features of clean samples; features of corrupted ones are only tested. In (1) A⁰ is the accuracy of
what is compared with, such as a probe on raw pixels: below one is more robust than it. Every representation sees the
same corrupted samples. `images()` are five severities of the kinds that need no more than the image itself; severities
are chosen here, for images in [-1, 1], and are not those of ImageNet-C.

Dan Hendrycks, Thomas Dietterich. Benchmarking Neural Network Robustness to Common Corruptions and Perturbations. 2019.
https://arxiv.org/abs/1903.12261
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from likeness.data.corruptions import Corruption, gaussian, masking, salt_and_pepper
from likeness.errors import InputError
from likeness.represent.probes import Probe

Accuracies = dict[str, list[float]]  # of each kind of corruption, by severity


def images() -> dict[str, list[Corruption]]:
    """Kinds of corruption of images in [-1, 1], mild first: noise, hidden and stuck pixels, light, contrast."""
    return {
        "gaussian": [gaussian(s) for s in (0.1, 0.2, 0.4, 0.6, 0.8)],
        "masking": [masking(s, -1.0) for s in (0.05, 0.1, 0.2, 0.35, 0.5)],
        "salt-and-pepper": [salt_and_pepper(s) for s in (0.02, 0.05, 0.1, 0.2, 0.3)],
        "brightness": [brightness(s) for s in (0.1, 0.2, 0.4, 0.6, 0.8)],
        "contrast": [contrast(s) for s in (0.8, 0.6, 0.4, 0.25, 0.15)],
    }


def brightness(added: float) -> Corruption:
    """All pixels lighter by `added` (in units of [-1, 1]), cut off at white and black."""
    return lambda x: (x + added).clamp(-1, 1)


def contrast(factor: float) -> Corruption:
    """Each image's differences from its own mean, times `factor`.

    Raises:
        InputError: the factor is below zero.
    """
    if factor < 0:
        raise InputError(f"a contrast of {factor:g}: give zero (all grey) or more")

    def corrupt(x: Float[Tensor, " n *event"]) -> Float[Tensor, " n *event"]:
        mean = x.flatten(1).mean(1).view(-1, *[1] * (x.ndim - 1))
        return (mean + factor * (x - mean)).clamp(-1, 1)

    return corrupt


def robustness(
    encode: Callable[[Tensor], Tensor],
    probe: Probe,
    x: Float[Tensor, " n *event"],
    y: Int[Tensor, " n"],
    corruptions: Mapping[str, Sequence[Corruption]],
    *,
    seed: int = 0,
) -> Accuracies:
    """Accuracy of a probe on features of corrupted test samples, by kind and severity; "clean" is the first row.

    Args:
        encode: samples (n, *event) to the features (n, d) that the probe was fitted to.
        corruptions: for each kind the corruptions, mild first.
        seed: of the noise; torch's own random state is left as it was.

    Raises:
        InputError: a kind has the name "clean".
    """
    if "clean" in corruptions:
        raise InputError("a corruption named 'clean': that name is of the samples as they are; choose another")
    found = {"clean": [probe.accuracy(encode(x), y)]}
    for kind, severities in corruptions.items():
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            found[kind] = [probe.accuracy(encode(corrupt(x)), y) for corrupt in severities]
    return found


def mean_corruption_error(found: Accuracies, baseline: Accuracies) -> float:
    """(1), the mean over kinds; infinite where the baseline makes no error and this does.

    Raises:
        InputError: they are of other kinds of corruption.
    """
    if found.keys() != baseline.keys():
        raise InputError(f"corruptions {sorted(found)} beside {sorted(baseline)}: measure both on the same")
    ratios = []
    for kind in found.keys() - {"clean"}:
        own, other = (sum(1 - a for a in side[kind]) for side in (found, baseline))
        ratios.append(own / other if other else torch.inf if own else 1.0)  # (1)
    return sum(ratios) / len(ratios)
