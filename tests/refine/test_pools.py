import torch
from closed_forms import wide, wide_ratio

from likeness.refine.pools import pick, propose
from likeness.refine.ratio import DensityRatio
from likeness.sampling import Streams


def test_a_draw_keeps_its_pool_wherever_it_is_asked_for() -> None:
    ratio = DensityRatio(wide_ratio)
    x, d = propose(wide, ratio, 6, 4, Streams(3))
    assert torch.allclose(d, wide_ratio(x).double())
    later, _ = propose(wide, ratio, 2, 4, Streams(3, first=4))
    assert torch.equal(later, x[4:])


def test_the_pick_is_the_one_at_the_place() -> None:
    x = torch.arange(24).reshape(2, 3, 2, 2)
    assert torch.equal(pick(x, torch.tensor([2, 0])), torch.stack((x[0, 2], x[1, 0])))
