"""Randomness belongs to its sample; parts fall on the share of samples that was said; motions are one."""

from collections import Counter
from itertools import pairwise

import pytest
import torch

from likeness.data.view_colours import brightness, cut_out, noise
from likeness.data.view_geometry import affine, crop, elastic, flip
from likeness.data.view_parts import Change, Source, View, chain, shuffled, sometimes
from likeness.data.warps import sample
from likeness.errors import InputError
from likeness.ranks import Part, holding

X = torch.rand(9, 3, 12, 16) * 2 - 1
EVERY = chain(
    crop(10), flip(), affine(degrees=20, shift=(0.1, 0.1)), elastic(p=0.5), shuffled([brightness(0.5, 1), noise(0.2)]),
    cut_out(p=0.5),
)  # fmt: skip


def test_a_seed_gives_sample_i_the_same_view_in_any_batch() -> None:
    whole = EVERY(X, generator=3)
    torch.testing.assert_close(EVERY(X[:4], generator=3), whole[:4], atol=1e-5, rtol=0)
    torch.testing.assert_close(EVERY(X[:1], generator=3), whole[:1], atol=1e-5, rtol=0)
    assert not torch.allclose(EVERY(X, generator=4), whole, atol=0.1)
    same = EVERY(X[:1].expand(9, -1, -1, -1), generator=3)
    assert min(float((same[i] - same[j]).abs().max()) for i in range(9) for j in range(i)) > 0.1, "each its own"


@pytest.mark.parametrize("cuts", [(0, 9), (0, 4, 9), (0, 2, 7, 9)])
def test_parts_of_a_batch_get_what_the_whole_would(cuts: tuple[int, ...]) -> None:
    torch.manual_seed(5)
    whole = EVERY(X)
    found = []
    for a, b in pairwise(cuts):
        torch.manual_seed(5)
        with holding(Part(a, b - a, 9)):
            found.append(EVERY(X[a:b]))
    torch.testing.assert_close(torch.cat(found), whole, atol=1e-5, rtol=0)


def test_what_is_given_is_not_written_to() -> None:
    x = X.clone()
    EVERY(x)
    for part in (flip(0.5), brightness(0.2, 0.3, p=0.5), noise(0.3, p=0.5), shuffled([noise(0.3)])):
        part(x)
    assert torch.equal(x, X)


def test_a_part_falls_on_its_share() -> None:
    n = 20_000
    x = torch.ones(n, 1, 1, 2)
    for part in (brightness(0, 0, p=0.3), sometimes(brightness(0, 0, p=0.6), 0.5), shuffled([brightness(0, 0)], p=0.3)):
        hit = float((part(x) == -1).all(3).float().mean())
        assert abs(hit - 0.3) < 5 * (0.3 * 0.7 / n) ** 0.5
    x = torch.tensor([-0.5, 0.5]).expand(n, 1, 1, 2)
    hit = float((flip(0.3)(x)[..., 0] > 0).float().mean())
    assert abs(hit - 0.3) < 5 * (0.3 * 0.7 / n) ** 0.5
    torch.testing.assert_close(flip(0)(X), X, atol=5e-6, rtol=0)
    torch.testing.assert_close(flip(1)(X), X.flip(3), atol=5e-6, rtol=0)


def test_every_order_is_as_likely() -> None:
    """Doubling, adding and squaring do not commute: of 1/2 each of the six orders makes another number."""
    steps = {"a": lambda x, _: 0.5 * x, "b": lambda x, _: x - 0.3, "c": lambda x, _: x.square()}
    view = shuffled([Change(lambda source, shape: (), step) for step in steps.values()])
    n = 12_000
    counts = Counter(round(float(v), 4) for v in view(torch.full((n, 1, 1, 1), 0.5)).flatten())
    assert len(counts) == 6
    assert all(abs(k - n / 6) < 5 * (n * 5 / 36) ** 0.5 for k in counts.values())


def test_motions_side_by_side_read_the_pixels_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr("likeness.data.view_parts.sample", lambda *given: calls.append(given) or sample(*given))
    view = chain(affine(degrees=30), affine(degrees=(30)), elastic())
    assert view(X).shape == X.shape
    assert len(calls) == 1


def test_two_turns_of_one_eighth_are_a_quarter() -> None:
    def turn(x, degrees):
        from likeness.data.view_parts import Motion
        from likeness.data.warps import matrices

        c = torch.tensor(degrees).deg2rad()
        warp = lambda source, size: matrices(source.n, (c.cos(), c.sin(), 0), (-c.sin(), c.cos(), 0), like=source)  # noqa: E731
        return Motion(warp)

    x = torch.rand(1, 1, 11, 11)
    once = chain(turn(x, 45.0), turn(x, 45.0))(x)
    torch.testing.assert_close(once, x.rot90(-1, (2, 3)), atol=1e-4, rtol=0)


def test_views_keep_the_range_the_type_and_one_sample() -> None:
    for x in (X, X.sign(), X[:1], X.double()):
        y = EVERY(x)
        assert y.dtype == x.dtype
        assert float(y.abs().max()) <= 1
        assert y.shape == (len(x), 3, 10, 10)
    assert isinstance(EVERY, View)
    assert isinstance(flip(), View)


def test_numbers_have_the_range_that_was_asked_for() -> None:
    for generator in (None, 3):
        found = Source(torch.zeros(5000, 1), generator).between(-2, 3, 2)
        assert found.shape == (5000, 2)
        assert -2 <= float(found.min()) < -1.95 < 2.95 < float(found.max()) <= 3


@pytest.mark.parametrize("x", [torch.zeros(3, 4, 4), torch.zeros(2, 1, 4, 4, dtype=torch.uint8)])
def test_what_is_no_batch_of_images_is_refused(x: torch.Tensor) -> None:
    with pytest.raises(InputError, match=r"floats \(n, c, h, w\)"):
        EVERY(x)


@pytest.mark.parametrize("p", [-0.1, 1.1])
def test_a_probability_outside_its_range_is_refused(p: float) -> None:
    for make in (flip, lambda p: noise(0.1, p=p), lambda p: sometimes(flip(), p), lambda p: shuffled([noise(1)], p=p)):
        with pytest.raises(InputError, match="from 0 to 1"):
            make(p)
