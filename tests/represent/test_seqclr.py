"""Instances keep their places; one window is NT-Xent of pooled frames; order, absence and processes are seen to."""

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Adam

from likeness.data.batch import Batch
from likeness.data.line_views import lines
from likeness.data.lines import extents
from likeness.data.view_geometry import flip
from likeness.data.views import two
from likeness.errors import InputError
from likeness.nn.frames import Bidirectional, PerFrame
from likeness.nn.line_encoder import LineEncoder
from likeness.ranks import per_sample
from likeness.represent.contrast import nt_xent
from likeness.represent.seqclr import SeqCLR, each_frame, sequence_contrast, whole_line, window
from likeness.represent.sphere import normalise
from likeness.testing import check_method


def blurred(x: Tensor) -> list[Tensor]:
    """Two views that differ by noise and by contrast."""
    noise = lambda: per_sample(len(x), lambda n: 0.1 * torch.randn(n, *x.shape[1:]))  # noqa: E731
    return [x + noise(), 0.8 * x + noise()]


def strokes(n: int = 6, w: int = 48, widths: tuple[int, ...] = ()) -> Tensor:
    """Lines 16 pixels high of random ink, white beyond their widths."""
    x = torch.rand(n, 1, 16, w, generator=torch.Generator().manual_seed(0)) * 2 - 1
    for row, own in zip(x, widths):
        row[..., own:] = 1
    return x


def method(instances=None, g=None, **given) -> SeqCLR:
    return SeqCLR(LineEncoder(height=16, width=4, d=6), g, blurred, instances=instances, **given)


PROJECTIONS = {
    "none": lambda: None,
    "perceptron": lambda: PerFrame(nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 4))),
    "bilstm": lambda: Bidirectional(6, 4, width=5),
}


@pytest.mark.parametrize("g", PROJECTIONS.values(), ids=PROJECTIONS)
@pytest.mark.parametrize("instances", [whole_line, window(3), each_frame], ids=["line", "window", "frame"])
def test_contract(g, instances) -> None:
    x = strokes(5, widths=(48, 20, 6, 30))  # of which one has fewer frames than windows
    check_method(lambda: method(instances, g()), Batch(x), lambda m: Adam(m.parameters(), 1e-3))


def test_one_window_is_nt_xent_of_pooled_frames() -> None:
    x = strokes(widths=(48, 20, 36))
    m = method(window(1)).eval()
    a, b = blurred(x)
    widths = extents(x)
    pooled = [
        normalise(torch.stack([h[: int(w) // 4].mean(0) for h, w in zip(m.f(v, widths), widths)])) for v in (a, b)
    ]
    torch.testing.assert_close(m.contrast(a, b, widths), nt_xent(*pooled, tau=0.1), atol=1e-5, rtol=1e-5)
    assert torch.equal(window(1)(widths // 4, 12), whole_line(widths // 4, 12))


def test_all_instances_of_a_batch_are_nt_xent_of_as_many_rows() -> None:
    z1, z2 = (normalise(torch.randn(12, 5)) for _ in range(2))
    there = torch.ones(4, 3, dtype=torch.bool)
    found = sequence_contrast(z1.view(4, 3, 5), z2.view(4, 3, 5), there, tau=0.2)
    torch.testing.assert_close(found, nt_xent(z1, z2, tau=0.2).view(4, 3).mean(1))
    blocked = sequence_contrast(z1.view(4, 3, 5), z2.view(4, 3, 5), there, tau=0.2, block=5)
    torch.testing.assert_close(found, blocked)


def test_absent_instances_count_for_nothing() -> None:
    """A slow double loop over those that are there."""
    there = torch.tensor([[True, True, False], [True, False, False], [True, True, True]])
    z = [torch.nn.functional.normalize(torch.randn(3, 3, 4), dim=2) for _ in range(2)]
    found = sequence_contrast(*z, there, tau=0.3)
    rows = [(v, i, k) for v in range(2) for i in range(3) for k in range(3) if there[i, k]]
    losses = torch.zeros(2, 3, 3)
    for v, i, k in rows:
        a = z[v][i, k]
        below = sum(float((a @ z[u][j, m] / 0.3).exp()) for u, j, m in rows if (u, j, m) != (v, i, k))
        losses[v, i, k] = torch.tensor(below).log() - a @ z[1 - v][i, k] / 0.3
    torch.testing.assert_close(found, losses.mean(0).sum(1) / there.sum(1), atol=1e-5, rtol=1e-5)


def test_shuffled_frames_of_one_view_raise_the_loss() -> None:
    h = torch.randn(8, 12, 16)
    there = torch.ones(8, 12, dtype=torch.bool)
    a, b = (nn.functional.normalize(h + 0.1 * torch.randn_like(h), dim=2) for _ in range(2))
    loss = sequence_contrast(a, b, there)
    assert (sequence_contrast(a, b[:, torch.randperm(12)], there) > loss + 1).all()
    assert (sequence_contrast(a, b.flip(1), there) > loss + 1).all(), "as a flip would"


def test_windows_cover_a_line_in_order() -> None:
    """A ramp: the k-th window is the mean of the k-th part."""
    ramp = torch.arange(12.0)[None, :, None]
    found = (window(3)(torch.tensor([12, 6, 2]), 12) @ ramp.expand(3, -1, -1)).squeeze(2)
    assert found.tolist() == [[1.5, 5.5, 9.5], [0.5, 2.5, 4.5], [0.0, 1.0, 0.0]]
    adaptive = nn.functional.adaptive_avg_pool1d(ramp.transpose(1, 2), 5).flatten()
    torch.testing.assert_close((window(5)(torch.tensor([12]), 12) @ ramp).flatten(), adaptive)
    assert torch.equal(each_frame(torch.tensor([3]), 5)[0], torch.diag(torch.tensor([1.0, 1, 1, 0, 0])))


def test_views_keep_every_object_in_its_window() -> None:
    """A mark in the k-th of five parts is what the k-th window sees in both views, and a flip is refused."""
    x = torch.ones(100, 1, 32, 80)
    for k in range(5):
        x[k::5, :, 8:24, 16 * k + 5 : 16 * k + 11] = -1
    for view in two(lines())(x):
        ink = (1 - view).sum((1, 2)).view(100, 20, 4).sum(2, keepdim=True)
        ink = ink - ink.amin(1, keepdim=True)  # paper may turn grey
        seen = (window(5)(torch.full((100,), 20), 20) @ ink).squeeze(2).argmax(1)
        assert torch.equal(seen, torch.arange(100) % 5)
    with pytest.raises(InputError, match="flips"):
        lines(flip())


def test_frames_and_codes_do_not_see_the_paper_that_fills_up() -> None:
    m = method(g=PROJECTIONS["perceptron"]())
    x = strokes(2, 24, widths=(20, 12))
    wide = torch.cat((x, torch.ones(2, 1, 16, 40)), 3)
    alone = torch.cat((x, torch.ones(2, 1, 16, 4)), 3)
    torch.testing.assert_close(m.encode(wide), m.encode(alone))
    torch.testing.assert_close(m.frames(wide)[:, :6], m.frames(alone)[:, :6])
    assert (m.frames(wide)[:, 6:] == 0).all()
    torch.testing.assert_close(m.project(x).norm(dim=1), torch.ones(2))
    assert m.error(x).shape == (2,)


def test_training_gathers_an_instance_and_its_other_view() -> None:
    from itertools import repeat

    from likeness.core import train

    m, x = method(window(3), PROJECTIONS["bilstm"]()), strokes(16)
    losses = [float(s.terms["contrast"]) for s in train(m, repeat(Batch(x), 40), Adam(m.parameters(), 3e-3))]
    assert losses[-1] < 0.5 * losses[0]


def test_what_cannot_be_is_said_in_one_line() -> None:
    with pytest.raises(InputError, match="text lines of 12 frames are shorter than 13 windows"):
        next(method(window(13)).updates(Batch(strokes())))[1]()
    with pytest.raises(InputError, match="batch of 1"):
        next(method().updates(Batch(strokes(1))))
    with pytest.raises(InputError, match=r"window\(0\)"):
        window(0)
    with pytest.raises(InputError, match="tau 0"):
        method(tau=0.0)
    blank = torch.ones(4, 1, 16, 48)
    assert method().eval().contrast(blank, blank, extents(blank)).isfinite().all(), "blank paper is one instance"
