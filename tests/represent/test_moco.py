"""The contract, the queue and the keys' network that follows, both objectives, and that it learns."""

import pytest
import torch
from contrasting import D, encoder, few_shots, head, images, learned, views
from torch.optim import SGD, Adam

from likeness.core import learn
from likeness.errors import InputError
from likeness.represent.align_uniform import queued
from likeness.represent.moco import MoCo, Objective
from likeness.represent.sphere import uniformity
from likeness.testing import check_method


def small(objective: Objective | None = None, size: int = 16) -> MoCo:
    return MoCo(encoder(), head(), views(), d=D, size=size, objective=objective)


@pytest.mark.parametrize("objective", [None, queued(), queued(within=False)], ids=["contrast", "both", "keys"])
def test_contract(objective: Objective | None) -> None:
    check_method(lambda: small(objective), images(), lambda m: Adam(m.parameters(), 1e-3))


def test_the_queue_begins_on_the_sphere_and_takes_in_what_the_keys_network_says() -> None:
    method, batch = small(), images()
    torch.testing.assert_close(method.queue.rows.norm(dim=1), torch.ones(16))
    before = method.queue.rows.clone()
    learn(method, batch, SGD(method.parameters(), 0.1))
    after = method.queue.rows
    assert torch.equal(after[8:], before[8:])
    assert not torch.isclose(after[:8], before[:8]).all(1).any()
    torch.testing.assert_close(after.norm(dim=1), torch.ones(16))


def test_keys_follow_the_queries_and_are_not_trained() -> None:
    method = small()
    moves = SGD(method.parameters(), 0.1)
    followed = [p.clone() for p in method.keys.module.parameters()]
    for t in range(3):
        learn(method, images(), moves)
        beta = min(0.999, (1 + t) / (10 + t)) if t else 0.0
        new = [*method.f.parameters(), *method.g.parameters()]
        followed = [beta * a + (1 - beta) * b.detach() for a, b in zip(followed, new)]
        torch.testing.assert_close(list(method.keys.module.parameters()), followed)
    assert not any(p.requires_grad for p in method.keys.parameters())


def test_a_key_depends_on_its_sample_alone() -> None:
    method, alone = small(), []

    def compare(keys: torch.nn.Module, given: tuple[torch.Tensor], z: torch.Tensor) -> None:
        torch.testing.assert_close(keys.forward(given[0][:1]), z[:1])
        alone.append(True)

    method.keys.module.register_forward_hook(compare)
    for _ in range(2):
        learn(method, images(), SGD(method.parameters(), 0.1))
    assert alone == [True, True]


@pytest.mark.parametrize("objective", [None, queued(align=1.0, t=2.0)], ids=["contrast", "align and uniform"])
def test_it_learns_features_that_few_labels_suffice_for(objective: Objective | None) -> None:
    method = MoCo(encoder(12, 48), head(48), views(), d=D, tau=0.2, size=256, decay=0.99, objective=objective)
    before = few_shots(method)
    learned(method, 90)
    assert few_shots(method) > before + 0.05
    assert float(uniformity(method.project(images(64).x))) < -0.1


def test_bad_input_is_said_in_one_line() -> None:
    with pytest.raises(InputError, match="temperature"):
        MoCo(encoder(), head(), views(), tau=0)
    with pytest.raises(InputError, match="decay"):
        MoCo(encoder(), head(), views(), decay=1.0)
    method = MoCo(encoder(), head(), views(), size=4)
    with pytest.raises(InputError, match="16 numbers for a queue of 128: build it with d=16"):
        learn(method, images(), Adam(method.parameters()))
