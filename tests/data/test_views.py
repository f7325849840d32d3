"""Groups in their order, the papers' policies, and what they keep: the range, the sample's own numbers, the labels."""

import pytest
import torch
from torch import Tensor

from likeness.data.views import View, Views, align_uniform, chain, digits, photographs, simclr, swav, swav_crop, two
from likeness.errors import InputError

X = torch.rand(6, 3, 40, 36) * 2 - 1
POLICIES = {
    "simclr": simclr(24),
    "simclr with blur": simclr(64, strength=0.5),
    "align_uniform": align_uniform(24),
    "swav": swav_crop(16, (0.05, 0.14)),
    "photographs": photographs(24),
    "digits": digits(24),
}


@pytest.mark.parametrize("view", POLICIES.values(), ids=POLICIES)
def test_policies_keep_the_range_and_give_each_sample_its_own_view(view: View) -> None:
    whole = view(X, generator=1)
    assert float(whole.abs().max()) <= 1
    assert whole.shape[2] == whole.shape[3]
    torch.testing.assert_close(view(X[:2], generator=1), whole[:2], atol=1e-5, rtol=0)
    one = view(X[:1].expand(6, -1, -1, -1), generator=1)
    assert min(float((one[i] - one[j]).abs().max()) for i in range(6) for j in range(i)) > 0.05


def test_without_a_seed_torchs_state_is_used() -> None:
    views = two(simclr(24))
    torch.manual_seed(3)
    a = views(X)
    torch.manual_seed(3)
    b = views(X)
    assert all(torch.equal(p, q) for p, q in zip(a, b))
    assert not torch.equal(a[0], a[1])


def test_groups_are_in_order_and_every_view_is_drawn_anew() -> None:
    views = Views((2, simclr(24)), (4, swav_crop(12, (0.05, 0.14))))
    found = views(X, generator=7)
    assert views.counts == (2, 4)
    assert [len(v[0, 0]) for v in found] == [24, 24, 12, 12, 12, 12]
    assert not torch.equal(found[0], found[1])
    assert not torch.equal(found[2], found[3])
    for a, b in zip(found, views(X[:3], generator=7)):
        torch.testing.assert_close(a[:3], b, atol=1e-5, rtol=0)
    assert swav(32, 16, many=3).counts == (2, 3)


def test_any_function_of_that_form_is_a_view() -> None:
    def dark(x: Tensor, *, generator=None) -> Tensor:
        return -x.abs()

    assert torch.equal(two(dark)(X)[1], -X.abs())


def test_papers_leave_the_blur_out_of_small_images() -> None:
    assert len(simclr(32).parts) == len(simclr(33).parts) - 1 == len(simclr(32, p_blur=0.5).parts) - 1


def test_views_of_digits_show_strokes_on_black() -> None:
    x = torch.full((200, 1, 16, 16), -1.0)
    x[:, 0, 3:13, 8] = 1.0
    y = chain(*digits(16).parts[:-1], beyond=-1.0)(x)  # before the noise
    assert float(y[:, :, 0, 0].max()) == -1
    lit = (y > -1).flatten(1).float().sum(1)
    assert float(lit.min()) > 5
    assert float(lit.max()) < 70


def test_grey_images_are_refused_where_colours_are_turned() -> None:
    with pytest.raises(InputError, match=r"saturation of images with 1|hue of images with 1"):
        simclr(16)(X[:, :1])
    assert digits(16)(X[:, :1]).shape == (6, 1, 16, 16)


@pytest.mark.parametrize("groups", [(), ((0, simclr(8)),), ((2, simclr(8)), (0, simclr(8)))])
def test_groups_without_views_are_refused(groups) -> None:
    with pytest.raises(InputError, match="none empty"):
        Views(*groups)


def test_a_strength_below_zero_is_refused() -> None:
    with pytest.raises(InputError, match="strength"):
        simclr(32, strength=-1)
    assert simclr(32, strength=0)(X).shape == (6, 3, 32, 32)
