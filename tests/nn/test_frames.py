"""A frame alone is the network of it; with both directions each frame knows of the first and of the last."""

import torch
from torch import nn

from likeness.nn.frames import Bidirectional, PerFrame


def test_per_frame_is_the_network_of_each() -> None:
    g, h = nn.Linear(3, 2), torch.randn(4, 5, 3)
    torch.testing.assert_close(PerFrame(g)(h)[1, 2], g(h[1, 2]))


def test_both_directions_reach_every_frame() -> None:
    g = Bidirectional(3, 2, width=4)
    h = torch.randn(2, 6, 3, requires_grad=True)
    for t in (0, 3, 5):
        (slope,) = torch.autograd.grad(g(h)[0, t].sum(), h)
        assert (slope[0].abs().sum(1) > 0).all()
        assert (slope[1] == 0).all(), "and no other sequence"
