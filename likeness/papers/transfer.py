"""Card: what learned features are worth, all ways under one budget, and what they are worth on another task.

One small network learns from the same images for the same steps, in seven ways: six without labels, and one from all
labels, which is the ceiling. Probes with 100 and 1000 labels stand beside pixels and the untrained network: digits of
MNIST (else the embedded ones), and as many clothes of Fashion-MNIST and photographs of CIFAR-10. Rotation asks which
way up a thing is, which some digits do not tell. Then features of digits are used for clothes, and to name characters
of Omniglot from one image each, in its official trials, beside an encoder of other alphabets. Last, 100 digits with
labels: a network from nothing, and encoders that stand or are tuned, from contrast of digits and from classes of
clothes. Contrast of every kind and clusters are within a point of each other on digits; MoCo's slow keys and rotation
gain little in so few steps. Features of classes are the best at home and the worst elsewhere: on clothes those of
digits are below an untrained network, and an encoder of clothes holds 100 digits back.

Kaiming He et al. Momentum Contrast for Unsupervised Visual Representation Learning. 2019.
https://arxiv.org/abs/1911.05722
Jason Yosinski, Jeff Clune, Yoshua Bengio, Hod Lipson. How transferable are features in deep neural networks? 2014.
https://arxiv.org/abs/1411.1792
Brenden M. Lake, Ruslan Salakhutdinov, Joshua B. Tenenbaum. Human-level concept learning through probabilistic program
induction. 2015. https://doi.org/10.1126/science.aab3050
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import partial
from statistics import fmean
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Adam

from likeness.core import train
from likeness.data import batches
from likeness.data.memory import InMemory
from likeness.papers import _one_shot
from likeness.papers import _representations as shared
from likeness.papers._representations import Budget, Ground, Make, beside, ground, learned, must, probed
from likeness.papers._shelf import there
from likeness.papers.card import Card, Claim, Grid, Numbers, Scale, Verdict
from likeness.recipes.measuring import features
from likeness.represent.probes import drawn_labels
from likeness.represent.supervised import Classifier
from likeness.represent.transfer import FeatureExtraction, FineTuning

WAYS: Mapping[str, Make] = {
    "simclr": shared.contrasted,
    "moco": shared.queued,
    "align-uniform": shared.aligned(1.0),
    "relic": shared.invariant(1.0),
    "swav": shared.clustered,
    "rotation": shared.turned,
    "supervised": shared.taught,
}
WORDS = {
    "pixels": "pixels",
    "random": "untrained network",
    "simclr": "SimCLR",
    "moco": "MoCo",
    "align-uniform": "alignment and uniformity",
    "relic": "ReLIC",
    "swav": "SwAV",
    "rotation": "rotation",
    "supervised": "supervised, all labels",
}
SETS = {"mnist": "digits", "fashion_mnist": "clothes", "cifar10_subset": "photographs"}
MEASURES = {"linear100": "linear, 100", "knn100": "k-NN, 100", "linear1000": "linear, 1000", "knn1000": "k-NN, 1000"}
FIRST, OTHER = "mnist", "fashion_mnist"


class Reuse(NamedTuple):
    """Labels of the new task, steps on them, steps after which it is looked at for the first time, and the batch."""

    labels: int
    steps: int
    early: int
    batch: int = 50


class Effort(NamedTuple):
    """Of each set the images that probes draw labels from and are tested on, and how what was learned is used again."""

    probed: Mapping[str, Budget]
    reuse: Reuse


EFFORTS: dict[Scale, Effort] = {
    "quick": Effort({FIRST: shared.BUDGETS["quick"]}, Reuse(50, 10, 5)),
    "laptop": Effort(
        {
            FIRST: shared.BUDGETS["laptop"],
            OTHER: Budget(2000, 1000, 4),
            "cifar10_subset": Budget(2000, 1000, 4),
        },
        Reuse(100, 200, 25),
    ),
    "gpu": Effort(dict.fromkeys(SETS, shared.BUDGETS["gpu"]), Reuse(100, 400, 25)),
}


def measure(seed: int, scale: Scale) -> Numbers:
    effort = EFFORTS[scale]
    found: dict[str, float] = {}
    grounds, methods = {}, {}
    for name in effort.probed:
        if name != FIRST and not there(name):
            continue
        here = ground(seed, scale, name)
        methods[name] = {way: learned(make, here) for way, make in WAYS.items()}
        grounds[name] = here._replace(budget=effort.probed[name])
        coded = [*beside(here), *((way, method.encode) for way, method in methods[name].items())]
        found |= under(name, probed(coded, grounds[name], every=False))
    first = grounds[FIRST]
    if OTHER in grounds:
        coded = [(way, method.encode) for way, method in methods[FIRST].items()]
        found |= under("moved", probed(coded, grounds[OTHER], every=False))
    if scale != "quick" and there(_one_shot.NAME):
        found |= one_shot(methods[FIRST], first)
    starts = {"contrast": methods[FIRST]["simclr"].f}
    if OTHER in methods:
        starts["other"] = methods[OTHER]["supervised"].f
    return found | reused(starts, first, effort.reuse)


def one_shot(methods: Mapping[str, Any], here: Ground) -> dict[str, float]:
    """Characters named from one image each, in percent, by features of MNIST and of characters of other alphabets."""
    trials = _one_shot.runs()
    data = _one_shot.characters(here.budget.train, here.seed)
    own = learned(shared.contrasted, here._replace(data=data))
    coded = dict([*beside(here), *((way, m.encode) for way, m in methods.items()), ("characters", own.encode)])
    ways = {way: partial(features, encode, device=here.device) for way, encode in coded.items()}
    return {f"omniglot.{way}": _one_shot.named(encode, trials) for way, encode in ways.items()}


class Task(NamedTuple):
    """Few samples with labels, those to be tested on, and how the one are learned from."""

    here: Ground
    few: InMemory
    x: Tensor
    y: Tensor
    reuse: Reuse

    @property
    def classes(self) -> int:
        return len(self.here.data.classes)


def reused(starts: Mapping[str, nn.Module], here: Ground, reuse: Reuse) -> dict[str, float]:
    """Test accuracy in percent from few labels: from nothing, and with encoders that stand or are tuned."""
    known, test = here.part("train"), here.part("test")
    assert known.y is not None
    assert test.y is not None
    some = drawn_labels(known.y, reuse.labels, seed=here.seed)
    task = Task(here, InMemory(known.x[some], known.y[some]), test.x, test.y, reuse)
    found = scores("nothing", whole_network, shared.untrained(here), task)
    for name, f in starts.items():
        found |= scores(f"{name}.frozen", headed, f, task) | scores(f"{name}.tuned", tuned, f, task)
    return found


Learner = tuple[Any, Any]  # a classifier, and what its optimiser moves


def whole_network(f: nn.Module, task: Task) -> Learner:
    method = Classifier(f, task.classes, view=task.here.view)
    return method, method.parameters()


def headed(f: nn.Module, task: Task) -> Learner:
    method = FeatureExtraction(f, task.classes, view=task.here.view)
    return method, method.h.parameters()


def tuned(f: nn.Module, task: Task) -> Learner:
    """The head alone for the first steps, then the trunk at a tenth of its rate."""
    method = FineTuning(f, task.classes, head_first=10, view=task.here.view)
    return method, method.groups(lr=shared.RATE)


def scores(name: str, make: Callable[[nn.Module, Task], Learner], f: nn.Module, task: Task) -> dict[str, float]:
    """Test accuracy in percent at the end, and early; `f` stays as it is."""
    here, reuse, found = task.here, task.reuse, {}
    torch.manual_seed(here.seed)
    method, parameters = make(deepcopy(f), task)
    given = batches(task.few, reuse.batch, steps=reuse.steps, seed=here.seed, device=here.device)
    for tick in train(method.to(here.device), given, Adam(parameters, shared.RATE)):
        if tick.iteration in (reuse.early, reuse.steps):
            said = torch.cat([method.predict(x.to(here.device)).cpu() for x in task.x.split(256)])
            key = name if tick.iteration == reuse.steps else f"{name}.early"
            found[key] = 100 * float(said.eq(task.y).double().mean())
    return found


def under(name: str, found: Mapping[str, float]) -> dict[str, float]:
    return {f"{name}.{key}": value for key, value in found.items()}


def above(key: str, other: str, margin: float = 0.0) -> Verdict:
    """That the one is so much above the other, in the mean over the seeds, where both were measured."""

    def holds(numbers: Any) -> bool:
        pairs = [(n[key], n[other]) for n in numbers if key in n and other in n]
        return bool(pairs) and fmean(a - b for a, b in pairs) >= margin

    return holds


MARGINS = {"simclr": 10, "moco": 5, "align-uniform": 10, "relic": 10, "swav": 10}


def told(name: str) -> list[Claim]:
    """That each way is above the untrained network, and none above the ceiling."""
    rows = []
    for way in (w for w in WAYS if w != "supervised"):
        margin = MARGINS.get(way, 0) if name == FIRST else 0
        said = f"{SETS[name]}, {WORDS[way]}, 100 labels: %, {f'{margin} ' if margin else ''}above the untrained network"
        key, other = f"{name}.{way}.linear100", f"{name}.random.linear100"
        rows.append(Claim(said, key, None, other, above(key, other, margin), must() if margin else ()))
        key, other = f"{name}.supervised.linear1000", f"{name}.{way}.linear1000"
        said = "… all labels for the network, 1000 for the probe: not below it"
        rows.append(Claim(said, key, None, other, above(key, other), ()))
    return rows


def moved() -> list[Claim]:
    rows = []
    for way in WAYS:
        key, other = f"moved.{way}.linear100", f"{OTHER}.random.linear100"
        said = f"{WORDS[way]} of digits, on clothes, 100 labels: %, above the untrained network"
        rows.append(Claim(said, key, None, other, above(key, other), ()))
    return rows


def named() -> list[Claim]:
    rows = []
    for way in (*WAYS, "characters"):
        words = f"{WORDS[way]} of digits" if way in WORDS else "SimCLR of other alphabets"
        key, scales = f"omniglot.{way}", must() if way == "characters" else ()
        said = f"{words}: Omniglot’s trials of one shot, %, above pixels"
        published = "61.2 (modified Hausdorff distance), 95.5 (people)" if way == "characters" else None
        rows.append(Claim(said, key, published, "omniglot.pixels", above(key, "omniglot.pixels"), scales))
    return rows


def starts() -> list[Claim]:
    rows = []
    for start, words in (("contrast", "SimCLR of digits"), ("other", "classes of clothes")):
        for way, how in (("frozen", "stands"), ("tuned", "is tuned")):
            scales = must() if start == "contrast" else ()
            key = f"{start}.{way}"
            said = f"100 digits with labels, encoder of {words} {how}: %, above a network from nothing"
            rows.append(Claim(said, key, None, "nothing", above(key, "nothing"), scales))
            key = f"{key}.early"
            rows.append(Claim("… after 25 steps", key, None, "nothing.early", above(key, "nothing.early"), scales))
    return rows


CARD = Card(
    "transfer",
    "What learned features are worth, here and elsewhere",
    "https://arxiv.org/abs/1411.1792",
    __doc__.split("\n\n")[1].replace("\n", " "),
    measure,
    (
        *(row for name in SETS if name == FIRST or there(name) for row in told(name)),
        *(moved() if there(OTHER) else ()),
        *(named() if there(_one_shot.NAME) else ()),
        *starts(),
    ),
    Grid({f"{name}.{way}": f"{SETS[name]}: {words}" for name in SETS for way, words in WORDS.items()}, MEASURES),
)
