import pytest
import torch
from torch import nn

from likeness.errors import InputError
from likeness.nn.patches import Patched


class Same(nn.Module):
    """Gives what it sees, and beside it the double where two outputs are wanted."""

    def __init__(self, event, outputs: int = 1) -> None:
        super().__init__()
        self.event, self.outputs = event, outputs

    def forward(self, x, t, y=None):
        assert x.shape[1:] == self.event
        return torch.cat([x * (i + 1) for i in range(self.outputs)], 1)


@pytest.mark.parametrize("outputs", [1, 2])
def test_pixels_come_back_to_their_places_and_outputs_stay_apart(outputs: int) -> None:
    x, t = torch.randn(2, 3, 8, 8), torch.zeros(2)
    out = Patched((3, 8, 8), 2, lambda event: Same(event, outputs))(x, t)
    for i, part in enumerate(out.chunk(outputs, 1)):
        assert torch.equal(part, x * (i + 1))


def test_one_place_sees_the_pixels_of_its_patch_alone() -> None:
    net = Patched((1, 4, 4), 2, lambda event: nn.Sequential(nn.Identity()))
    net.inner = type("Pointwise", (nn.Module,), {"forward": lambda self, x, t: x.sum(1, keepdim=True).expand_as(x)})()
    x = torch.zeros(1, 1, 4, 4)
    x[0, 0, 1, 1] = 1
    assert net(x, torch.zeros(1))[0, 0].nonzero().tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


def test_a_side_that_does_not_divide_is_named() -> None:
    with pytest.raises(InputError, match="patches of 3"):
        Patched((1, 8, 8), 3, Same)
