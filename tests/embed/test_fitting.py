"""Every row is learned from once a pass, in an order of the seed, and the loss falls."""

import numpy as np
import torch

from likeness.core import Method
from likeness.embed.fitting import Passes, _batches, learned


class Mean(Method):
    def __init__(self) -> None:
        super().__init__()
        self.m = torch.nn.Parameter(torch.zeros(3, 1))

    def updates(self, batch):
        yield self, lambda: {"off": (self.m[batch.x[:, 0], 0] - batch.y).square().mean()}


def test_every_row_once() -> None:
    x = np.arange(20).reshape(10, 2)
    found = list(_batches(x, np.arange(10.0), Passes(batch_size=4), 0))
    assert [len(b.x) for b in found] == [4, 4, 2]
    assert sorted(torch.cat([b.x for b in found])[:, 0].tolist()) == x[:, 0].tolist()
    assert torch.equal(torch.cat([b.y for b in found]).long(), torch.cat([b.index for b in found]))
    again = list(_batches(x, None, Passes(batch_size=4), 1))
    assert not torch.equal(again[0].x, found[0].x)


def test_it_learns_and_material_is_drawn_anew() -> None:
    seen = []

    def material(rng):
        seen.append(rng.random())
        return np.arange(3)[:, None], np.array([1.0, -2.0, 3.0])

    method = Mean()
    course = learned(method, material, Passes(60, 3, 0.5), 0)
    assert course[-1] < 0.05 * course[0]
    assert len(set(seen)) == 60
