"""The contract, that it learns what a random encoder does not have, and what of it is kept."""

import pytest
import torch
from contrasting import encoder, few_shots, head, images, learned, views
from torch.optim import Adam

from likeness.core import learn
from likeness.data.views import Views, digits
from likeness.errors import InputError
from likeness.represent.simclr import SimCLR
from likeness.testing import check_method


@pytest.mark.parametrize("block", [None, 3])
def test_contract(block: int | None) -> None:
    check_method(
        lambda: SimCLR(encoder(), head(), views(), block=block), images(), lambda m: Adam(m.parameters(), 1e-3)
    )


def test_it_learns_features_that_few_labels_suffice_for() -> None:
    method = SimCLR(encoder(12, 48), head(48), views())
    before = few_shots(method)
    assert few_shots(learned(method)) > before + 0.1


def test_features_and_points_of_new_data() -> None:
    method, x = SimCLR(encoder(), head(), views()), images().x
    assert method.encode(x).shape == (8, 8)
    assert method.project(x).shape == (8, 16)
    torch.testing.assert_close(method.project(x).norm(dim=1), torch.ones(8))
    torch.testing.assert_close(method.encode(x[:3]), method.encode(x)[:3])
    assert method.training, "in its own mode again"
    assert not method.encode(x).requires_grad


def test_bad_input_is_said_in_one_line() -> None:
    with pytest.raises(InputError, match="temperature"):
        SimCLR(encoder(), head(), views(), tau=0)
    three = SimCLR(encoder(), head(), Views((3, digits(8))))
    with pytest.raises(InputError, match=r"3 views .* takes two"):
        learn(three, images(), Adam(three.parameters()))
    method = SimCLR(encoder(), torch.nn.Identity(), views())
    with pytest.raises(InputError, match="batch of"):
        learn(method, images(1), Adam(method.parameters()))
