"""The contract, frozen prototypes, multi-crop against a slow loop, the queue, processes, and what is learned."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize
from torch.optim import SGD, Adam

from likeness.core import learn, train
from likeness.data import load
from likeness.data.batch import Batch
from likeness.data.batching import batches, whole
from likeness.data.views import Views, digits, two
from likeness.errors import InputError
from likeness.nn.heads import projection
from likeness.nn.small_cnn import SmallCNN
from likeness.ranks import noise_like
from likeness.represent.codes import codes, used
from likeness.represent.swav import SwAV
from likeness.testing import check_method

IMAGES = Batch(torch.rand(9, 1, 8, 8) * 2 - 1)


def noisy(x: Tensor, *, generator: Any = None) -> Tensor:
    return x + 0.1 * noise_like(x)


def half(x: Tensor, *, generator: Any = None) -> Tensor:
    return noisy(x)[..., ::2, ::2]


def small(views: Views | None = None, **given: Any) -> SwAV:
    f, g = SmallCNN(1, width=4, d=8), projection(8, hidden=8, out=6)
    return SwAV(f, g, views or two(noisy), **{"d": 6, "prototypes": 5, "freeze": 1} | given)


VARIANTS: dict[str, Callable[[], SwAV]] = {
    "two views": small,
    "multi-crop": lambda: small(Views((2, noisy), (3, half))),
    "queue": lambda: small(queue=20, queue_from=1),
    "hard": lambda: small(hard=True, freeze=0),
}


@pytest.mark.parametrize("build", VARIANTS.values(), ids=VARIANTS.keys())
def test_contract(build: Callable[[], SwAV]) -> None:
    check_method(build, IMAGES, lambda m: SGD(m.parameters(), 1e-2, momentum=0.9), steps=4)


def test_prototypes_stand_still_for_the_first_steps_and_are_of_length_one() -> None:
    swav = small(freeze=3)
    adam = Adam(swav.parameters(), 1e-2, weight_decay=0.1)
    first, head = swav.C.clone(), swav.g[0].weight.clone()
    for step in range(5):
        learn(swav, IMAGES, adam)
        assert torch.allclose(swav.C, first, atol=1e-6) is (step < 3)
        torch.testing.assert_close(swav.C.norm(dim=1), torch.ones(5))
    assert not torch.equal(swav.g[0].weight, head)


def test_the_loss_of_many_crops_is_that_of_a_slow_loop() -> None:
    """One view at a time; in evaluation mode, where batch statistics do not depend on what goes forward together."""
    swav = small(Views((2, noisy), (3, half))).eval()
    torch.manual_seed(3)
    with torch.no_grad():
        _, objective = next(swav.updates(IMAGES))
        found = objective()["swapped"]
    torch.manual_seed(3)
    scores = [normalize(swav.g(swav.f(v)), dim=1) @ swav.C.T for v in swav.views(IMAGES.x)]
    losses = []
    for s in range(2):
        q = codes(scores[s])
        losses.append(sum(cross_entropy(scores[t] / 0.1, q) for t in range(5) if t != s) / 4)
    torch.testing.assert_close(found, sum(losses) / 2)


def test_views_of_one_size_go_forward_together() -> None:
    swav, sizes = small(Views((2, noisy), (3, half))), []
    swav.f.register_forward_hook(lambda module, x, y: sizes.append(tuple(x[0].shape)))
    learn(swav, IMAGES, SGD(swav.parameters(), 1e-2))
    assert sizes == [(18, 1, 8, 8), (27, 1, 4, 4)]


def test_the_queue_begins_when_it_is_told_and_counts_when_it_is_full() -> None:
    swav = small(queue=18, queue_from=2)
    filled = []
    for _ in train(swav, [IMAGES] * 4, SGD(swav.parameters(), 0.0)):
        filled.append([queue.count for queue in swav.queues])
    assert filled == [[0, 0], [0, 0], [9, 9], [18, 18]]
    own = torch.randn(2, 9, 5)
    with_queue = codes(own[1], others=swav.queues[1].rows @ swav.C.T)
    torch.testing.assert_close(swav.codes(own)[1], with_queue)
    torch.testing.assert_close(swav.queues[0].rows.norm(dim=1), torch.ones(18))
    assert not torch.equal(swav.codes(own)[1], small().codes(own)[1])


def test_one_sample_has_one_answer_after_training() -> None:
    swav = small()
    learn(swav, IMAGES, SGD(swav.parameters(), 1e-2))
    x = IMAGES.x
    torch.testing.assert_close(swav.encode(x)[:1], swav.encode(x[:1]))
    torch.testing.assert_close(swav.project(x).norm(dim=1), torch.ones(9))
    assert torch.equal(swav.assign(x), swav.scores(x).argmax(1))
    assert swav.training
    assert not swav.encode(x).requires_grad


def test_digits_come_apart_and_prototypes_are_used() -> None:
    """The nearest of 100 labelled neighbours, against a random encoder; a loss that has left ln k behind."""
    data = load("digits")
    x, y = whole(data.train)[:2]
    f, g = SmallCNN(1, width=16, d=32), projection(32, hidden=64, out=32)
    swav = SwAV(f, g, two(digits(8)), d=32, prototypes=30, freeze=10)

    def accuracy() -> float:
        z = normalize(swav.encode(x), dim=1)
        return float((y[(z[100:] @ z[:100].T).argmax(1)] == y[100:]).float().mean())

    random, losses = accuracy(), []
    for step in train(swav, batches(data.train, 128, steps=100), Adam(swav.parameters(), 3e-3)):
        losses.append(float(step.terms["swapped"]))
    assert accuracy() > random + 0.08
    assert used(swav.scores(x)) > 0.8
    assert sum(losses[-10:]) / 10 < math.log(30) - 0.5


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"prototypes": 1}, "1 prototypes"),
        ({"views": Views((1, noisy), (4, half))}, "1 large view"),
        ({"queue": 4}, "a queue of 4 for 5 prototypes"),
        ({"tau": 0.0}, "numbers above zero"),
        ({"epsilon": -1.0}, "numbers above zero"),
        ({"iterations": 0}, "numbers above zero"),
    ],
)
def test_what_cannot_be_is_refused(given: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        small(**given)


def test_a_head_of_another_size_is_named() -> None:
    with pytest.raises(InputError, match="the head gives 6 numbers, prototypes have 7: d=6"):
        small(d=7).project(IMAGES.x)


def test_a_batch_cannot_be_learned_from_in_pieces() -> None:
    swav = small()
    with pytest.raises(InputError, match="whole batch"):
        learn(swav, IMAGES, SGD(swav.parameters(), 1e-2), accumulate=2)
