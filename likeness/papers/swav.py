"""Card: Unsupervised Learning of Visual Features by Contrasting Cluster Assignments (2020).

Codes first: three iterations of Sinkhorn and convergence, and what features that are all one point cost. Then encoders
of MNIST (or of the embedded digits) that learn for four passes by swapped assignments, from two views, and from two
views and four small crops; probes with 100 and 1000 labels stand beside pixels, the untrained network and contrast.
Clusters of test images are held against their classes. On MNIST small crops cost some points in so short a training: a
fifth of a digit may be that of another.

Mathilde Caron, Ishan Misra, Julien Mairal, Priya Goyal, Piotr Bojanowski, Armand Joulin. 2020.
https://arxiv.org/abs/2006.09882
"""

import math
from typing import Any

import torch
from sklearn.metrics import normalized_mutual_info_score
from torch import nn
from torch.nn.functional import normalize

from likeness.core import Method
from likeness.data.view_geometry import crop
from likeness.data.view_parts import chain
from likeness.data.views import Views
from likeness.nn.small_cnn import SmallCNN
from likeness.papers._representations import D_Z, Ground, beside, clustered, contrasted, ground, learned, must, probed
from likeness.papers.card import SCALES, Card, Claim, Numbers, Scale, for_each
from likeness.represent.codes import codes, swapped
from likeness.represent.swav import SwAV


def cropped(f: SmallCNN, g: nn.Module, here: Ground) -> Method:
    """Two views, and four small crops that show a fifth to a half of an image."""
    small = chain(crop(max(8, here.data.event[-1] // 2), scale=(0.2, 0.5)))
    return SwAV(f, g, Views((2, here.view), (4, small)), d=D_Z, prototypes=100, freeze=32)


def measure(seed: int, scale: Scale) -> Numbers:
    here = ground(seed, scale)
    methods: dict[str, Any] = {
        "contrast": learned(contrasted, here),
        "two": learned(clustered, here),
        "many": learned(cropped, here),
    }
    found = exact(seed) | probed([*beside(here), *((n, m.encode) for n, m in methods.items())], here)
    for name in ("two", "many"):
        found |= clusters(name, methods[name], here)
    return found


def exact(seed: int) -> dict[str, float]:
    """How unevenly codes of 256 features fill 100 prototypes, and the loss of features that are one point."""
    torch.manual_seed(seed)
    scores = normalize(torch.randn(256, D_Z), dim=1) @ normalize(torch.randn(100, D_Z), dim=1).T
    found = {}
    for name, iterations in (("three", 3), ("long", 300)):
        filled = codes(scores, epsilon=0.05, iterations=iterations).sum(0) / (256 / 100)
        found[f"codes.{name}"] = 100 * float((filled - 1).abs().max())
    one = torch.zeros(2, 256, 100)
    q = torch.stack([codes(s, epsilon=0.05, iterations=3) for s in one])
    return found | {"one": float(swapped(one, q, tau=0.1).mean()), "log": math.log(100)}


@torch.no_grad()
def clusters(name: str, method: Any, here: Ground) -> dict[str, float]:
    """The share of prototypes that test images use, in percent, and what clusters tell of classes."""
    test = here.part("test")
    found = torch.cat([method.assign(part.to(here.device)).cpu() for part in test.x.split(256)])
    return {
        f"{name}.used": 100 * len(found.unique()) / len(method.C),
        f"{name}.information": float(normalized_mutual_info_score(test.y, found)),
    }


CARD = Card(
    "swav",
    "Unsupervised Learning of Visual Features by Contrasting Cluster Assignments (SwAV)",
    "https://arxiv.org/abs/2006.09882",
    __doc__.split("\n\n")[1].replace("\n", " "),
    measure,
    (
        Claim("codes after 3 iterations: most that a prototype misses of its share, %; 15 or less", "codes.three", None,
              "codes.long", for_each(lambda n: n["codes.three"] <= 15), SCALES),
        Claim("… after 300: 1 or less", "codes.long", None, None, for_each(lambda n: n["codes.long"] <= 1),
              SCALES),
        Claim("loss of features that are one point: log K", "one", None, "log",
              for_each(lambda n: abs(n["one"] - n["log"]) < 1e-4), SCALES),
        Claim("two views, 100 labels: %, 10 above the untrained network", "two.linear100", None, "random.linear100",
              for_each(lambda n: n["two.linear100"] >= n["random.linear100"] + 10), must()),
        Claim("… 5 above pixels", "two.linear100", None, "pixels.linear100",
              for_each(lambda n: n["two.linear100"] >= n["pixels.linear100"] + 5), must()),
        Claim("… beside contrast", "two.linear100", None, "contrast.linear100"),
        Claim("… 1000 labels", "two.linear1000", None, "contrast.linear1000"),
        Claim("… prototypes used, %: more than 80", "two.used", None, None,
              for_each(lambda n: n["two.used"] > 80), must()),
        Claim("… mutual information of clusters and classes, normalised: .5 or more", "two.information", None, None,
              for_each(lambda n: n["two.information"] >= 0.5), must()),
        Claim("four small crops besides, 100 labels: %", "many.linear100", "74.6 against 70.1 (ImageNet)",
              "two.linear100", lambda numbers: sum(n["many.linear100"] - n["two.linear100"] for n in numbers) >= 0, ()),
        Claim("… mutual information", "many.information", None, "two.information"),
    ),
)  # fmt: skip
