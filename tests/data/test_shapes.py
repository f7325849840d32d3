import math

import pytest
import torch

from likeness.data.shapes import KINDS, Factors, colour, factors, picture


def one(kind: str, *, x: float = 0.0, y: float = 0.0, rotation: float = 0.0) -> Factors:
    return Factors(torch.tensor([KINDS.index(kind)]), *(torch.tensor([v]) for v in (x, y, 0.5, 0.0, rotation)))


def brightness(f: Factors, side: int = 64) -> torch.Tensor:
    return (picture(f, side).amax(1)[0] + 1) / 2


@pytest.mark.parametrize(
    ("kind", "area"), [("ellipse", 0.6 * math.pi), ("square", 2.25), ("triangle", 0.75 * math.sqrt(3)), ("cross", 1.92)]
)
@pytest.mark.parametrize("rotation", [0.0, 0.4, 1.2])
def test_the_covered_area_is_that_of_the_shape(kind: str, area: float, rotation: float) -> None:
    covered = float(brightness(one(kind, rotation=rotation)).mean()) * 4
    assert covered == pytest.approx(area * 0.25, rel=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_the_centre_of_mass_is_the_place(kind: str) -> None:
    image = brightness(one(kind, x=0.3, y=-0.2, rotation=0.7))
    line = (torch.arange(64) + 0.5) / 32 - 1
    assert float((image.sum(0) * line).sum() / image.sum()) == pytest.approx(0.3, abs=0.01)
    assert float((image.sum(1) * line).sum() / image.sum()) == pytest.approx(-0.2, abs=0.01)


@pytest.mark.parametrize("kind", ["square", "cross"])
def test_a_quarter_turn_changes_nothing_for_the_symmetric(kind: str) -> None:
    torch.testing.assert_close(picture(one(kind), 32), picture(one(kind, rotation=math.pi / 2), 32), atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", ["ellipse", "triangle"])
def test_a_quarter_turn_is_one_of_the_picture_for_the_others(kind: str) -> None:
    turned = picture(one(kind, rotation=math.pi / 2), 32)
    torch.testing.assert_close(turned, picture(one(kind), 32).rot90(-1, (2, 3)), atol=1e-4, rtol=0)
    assert (turned - picture(one(kind), 32)).abs().max() > 1


def test_colours_go_round_the_circle() -> None:
    thirds = colour(torch.tensor([0.0, 1 / 3, 2 / 3, 1.0]))
    torch.testing.assert_close(thirds, torch.eye(3)[[0, 1, 2, 0]], atol=1e-5, rtol=0)


def test_edges_are_smooth_and_values_in_range() -> None:
    x = picture(factors(200, generator=0), 32)
    assert float(x.min()) == -1
    assert float(x.max()) <= 1
    partly = ((x > -0.99) & (x < 0.99)).any(1).float().mean()
    assert float(partly) > 0.01


def test_factors_fill_their_ranges_independently_of_the_batch() -> None:
    f = factors(4000, generator=3)
    assert f.kind.bincount().min() > 850
    for value, low, high in (
        (f.x, -0.4, 0.4),
        (f.y, -0.4, 0.4),
        (f.size, 0.3, 0.55),
        (f.hue, 0, 1),
        (f.rotation, 0, math.pi / 2),
    ):
        assert (float(value.min()), float(value.max())) == pytest.approx((low, high), abs=0.01)
    assert torch.equal(factors(10, generator=3).hue, f.hue[:10])
    assert torch.stack(f[1:]).corrcoef().fill_diagonal_(0).abs().max() < 0.08
