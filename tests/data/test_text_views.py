"""Words are dropped, cropped, swapped and hidden by the share that was said, and padding stays behind them."""

import pytest
import torch

from likeness.data.text_views import chained, cropping, deletion, masking, packed, swapping
from likeness.errors import InputError
from likeness.ranks import Part, holding

N, T = 4000, 20
LENGTH = torch.arange(N) % T + 1
X = torch.where(torch.arange(T) < LENGTH[:, None], torch.arange(T) + 1, 0)  # words in rising order
VIEWS = {"deletion": deletion(), "cropping": cropping(), "swapping": swapping(0.5), "masking": masking(mask=99)}


def lengths(x: torch.Tensor) -> torch.Tensor:
    return (x != 0).sum(1)


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_padding_stays_behind_and_some_word_stays(view) -> None:
    y = view(X, generator=1)
    assert (y.shape, y.dtype) == (X.shape, X.dtype)
    assert ((y != 0).long().diff(dim=1) <= 0).all()
    assert int(lengths(y).min()) >= 1
    assert torch.equal(view(X[:5], generator=1), y[:5])
    torch.manual_seed(1)
    whole = view(X)
    torch.manual_seed(1)
    with holding(Part(10, N - 10, N)):
        assert torch.equal(view(X[10:]), whole[10:])


def test_deletion_keeps_the_order_and_its_share() -> None:
    y = deletion(0.3)(X)
    words = y.where(y != 0, 10**6)
    assert ((words.diff(dim=1) > 0) | (y[:, 1:] == 0)).all()
    long = LENGTH >= 15  # where the word that must stay does not count
    assert float(lengths(y)[long].sum() / LENGTH[long].sum()) == pytest.approx(0.7, abs=0.01)
    assert torch.equal(deletion(0)(X), X)
    assert (lengths(deletion(1)(X)) == 1).all()


def test_a_crop_is_a_piece_and_every_place_is_as_likely() -> None:
    y = cropping(0.5, 0.5)(X)
    assert torch.equal(lengths(y), (LENGTH * 0.5).round().clamp(min=1).long())
    assert ((y.diff(dim=1) == 1) | (y[:, 1:] == 0)).all()
    first = cropping(0.5, 0.5)(X[LENGTH == T][:1].expand(11_000, -1))[:, 0]
    counts = first.bincount(minlength=12)[1:]
    assert len(counts) == 11
    assert float((counts - 1000).abs().max()) < 5 * 1000**0.5
    assert torch.equal(cropping(1, 1)(X), X)


def test_neighbours_are_swapped_by_their_share() -> None:
    y = swapping(0.4)(X)
    assert torch.equal(y.sort(1).values, X.sort(1).values)
    moved = y - X
    assert int(moved.abs().max()) == 1
    full = moved[LENGTH == T]
    pairs = (full == 1).sum(1).double().mean()  # 10 pairs at even places, 9 at odd ones
    assert float(pairs) == pytest.approx(0.4 * 9.5, rel=0.1)
    assert torch.equal(swapping(0)(X), X)
    assert sorted({tuple(r) for r in swapping(1)(torch.tensor([[1, 2, 3]] * 50)).tolist()}) == [(1, 3, 2), (2, 1, 3)]


@pytest.mark.parametrize("length", [1, 3, 5])
def test_spans_hide_their_share_everywhere(length: int) -> None:
    x = torch.ones(20_000, 12, dtype=torch.long)
    hidden = masking(0.2, mask=7, length=length)(x) == 7
    share = hidden.double().mean(0)
    assert float((share - 0.2).abs().max()) < 5 * (0.16 / 20_000) ** 0.5
    both = float((hidden[:, 4] & hidden[:, 5]).double().mean())
    q = 1 - 0.8 ** (1 / length)
    assert both == pytest.approx(2 * 0.2 - 1 + (1 - q) ** (length + 1), abs=0.015), "neighbours are hidden together"


def test_views_in_turn_draw_anew() -> None:
    view = chained(deletion(0.5), deletion(0.5))
    long = X[LENGTH == T]
    assert float(lengths(view(long, generator=3)).double().mean()) == pytest.approx(5, rel=0.1)
    assert torch.equal(view(long, generator=3), view(long, generator=3))


def test_packing() -> None:
    keep = torch.tensor([[True, False, True], [False, False, False]])
    assert packed(torch.tensor([[4, 5, 6], [7, 8, 9]]), keep, 0).tolist() == [[4, 6, 0], [0, 0, 0]]


def test_what_cannot_be_is_refused() -> None:
    for make, text in (
        (lambda: deletion(1.5), "from 0 to 1"),
        (lambda: cropping(0, 1), "share"),
        (lambda: cropping(0.9, 0.5), "rising"),
        (lambda: swapping(-1), "from 0 to 1"),
        (lambda: masking(2, mask=1), "from 0 to 1"),
        (lambda: masking(mask=1, length=0), "one or more"),
        (lambda: deletion()(torch.zeros(2, 3)), "whole numbers"),
    ):
        with pytest.raises(InputError, match=text):
            make()
