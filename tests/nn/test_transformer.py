"""The cache changes nothing, the mask is causal, and rotary positions are relative."""

import pytest
import torch
from torch.func import jacrev

from likeness.errors import InputError
from likeness.nn.transformer import Transformer, rotated


def small(**options: bool) -> Transformer:
    return Transformer(7, 9, width=16, layers=2, heads=2, **options).eval()


@pytest.mark.parametrize("options", [{}, {"rotary": True}, {"tied": False}])
def test_steps_give_what_the_whole_gives(options: dict) -> None:
    network, x = small(**options), torch.randint(8, (3, 9))
    with torch.no_grad():
        whole, state = network(x), network.start(3, 9)
        for t in range(9):
            logits, state = network.step(x[:, t], state)
            assert torch.allclose(logits, whole[:, t], atol=1e-5)


def test_the_jacobian_is_lower_triangular() -> None:
    network = small()

    def outputs(e: torch.Tensor) -> torch.Tensor:
        for block in network.blocks:
            e = block(e)
        return e[0].sum(1)

    J = jacrev(outputs)(torch.randn(1, 9, 16))[:, 0].abs().sum(2)
    assert J.triu(1).max() == 0
    assert J.tril()[torch.ones(9, 9).tril().bool()].min() > 0


def test_rotary_products_depend_on_the_distance_alone() -> None:
    q, k = torch.randn(2, 1, 1, 1, 8)
    near = (rotated(q, 5) * rotated(k, 3)).sum()
    assert torch.allclose(near, (rotated(q, 12) * rotated(k, 10)).sum(), atol=1e-4)
    assert not torch.allclose(near, (rotated(q, 12) * rotated(k, 3)).sum(), atol=1e-4)
    assert torch.allclose(rotated(q, 4).norm(), q.norm())


def test_sizes_are_checked() -> None:
    with pytest.raises(InputError, match="10 tokens"):
        small()(torch.zeros(1, 10, dtype=torch.long))
    with pytest.raises(InputError, match="width 18"):
        Transformer(7, 9, width=18, heads=4)
