import pytest
import torch

from likeness.diffusion.denoisers import Prediction, predict
from likeness.diffusion.guidance_interval import within
from likeness.errors import InputError


class Says:
    def __init__(self, x0: float, v: float | None = None) -> None:
        self.x0, self.v, self.asked = x0, v, 0

    def __call__(self, x, sigma):
        return self.predict(x, sigma).x0

    def predict(self, x, sigma):
        self.asked += 1
        return Prediction(torch.full_like(x, self.x0), None if self.v is None else torch.full_like(x, self.v))


def test_one_denoiser_inside_and_the_other_outside() -> None:
    a, b = Says(1.0, 0.5), Says(2.0)
    D, x = within(a, b, 0.5, 2.0), torch.zeros(4, 3)
    sigma = torch.tensor([0.5, 0.6, 2.0, 2.1])
    wanted = torch.tensor([2.0, 1.0, 1.0, 2.0])[:, None].expand(4, 3)
    assert torch.equal(D(x, sigma), wanted)
    found = predict(D, x, sigma)
    assert torch.equal(found.x0, wanted)
    assert found.v is not None
    assert torch.equal(found.v[1], torch.full((3,), 0.5))
    assert found.push is None


def test_what_is_not_needed_is_not_evaluated() -> None:
    a, b = Says(1.0), Says(2.0)
    D, x = within(a, b, high=1.0), torch.zeros(4, 3)
    D(x, torch.full((4,), 0.9))
    predict(D, x, torch.full((4,), 0.9))
    assert (a.asked, b.asked) == (2, 0)
    D(x, torch.full((4,), 1.1))
    predict(D, x, torch.full((4,), 1.1))
    assert (a.asked, b.asked) == (2, 2)


def test_an_empty_interval_is_named() -> None:
    with pytest.raises(InputError, match="low < high"):
        within(Says(1.0), Says(2.0), 2.0, 2.0)
