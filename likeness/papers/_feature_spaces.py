"""Of the card `evaluation`: how far each fault stands out, by the features that samples are compared in.

How far is the Fréchet distance of a set less that of held-out real samples, in standard deviations of the latter from
draw to draw: below two nobody would notice. The features are those of a classifier, of an encoder that learned by
contrast and saw no label, of a network that learned nothing, and the pixels themselves.

Stanislav Morozov, Andrey Voynov, Artem Babenko. On Self-Supervised Image Representations for GAN Evaluation. 2021.
https://openreview.net/forum?id=NeRdBeTionN
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from statistics import fmean, stdev

import torch
from torch import Tensor

from likeness.data import Dataset
from likeness.data.memory import InMemory
from likeness.judge import FeatureSpace
from likeness.judge.features import features_of, raw
from likeness.judge.frechet import frechet_distance
from likeness.papers._representations import Budget, Ground, contrasted, learned, untrained

REAL = "real"


def spaces(taught: Tensor, classifier: FeatureSpace, *, epochs: int, seed: int) -> dict[str, FeatureSpace]:
    """Feature spaces by name; what learns learns from these images."""
    budget, split = Budget(len(taught), 0, epochs, 128), InMemory(taught)
    data = Dataset("taught", "images", split, split, split, tuple(taught.shape[1:]))
    here = Ground(data, budget, seed, torch.device("cpu"))
    return {
        "classifier": classifier,
        "contrast": FeatureSpace("contrast", learned(contrasted, here).encode),
        "untrained": FeatureSpace("untrained", untrained(here)),
        "pixels": raw(),
    }


def standing_out(
    spaces: Mapping[str, FeatureSpace], draws: Iterable[tuple[Tensor, Mapping[str, Tensor]]]
) -> dict[str, float]:
    """`space.set` for each space and each set but the real one; of each draw its reference and its sets, by name."""
    distances: dict[tuple[str, str], list[float]] = defaultdict(list)
    for reference, sets in draws:
        for name, space in spaces.items():
            known = features_of(space, reference)
            for fault, x in sets.items():
                distances[name, fault].append(frechet_distance(features_of(space, x), known))
    found = {}
    for (name, fault), values in distances.items():
        real = distances[name, REAL]
        if fault != REAL:
            found[f"{name}.{fault}"] = (fmean(values) - fmean(real)) / stdev(real)
    return found
