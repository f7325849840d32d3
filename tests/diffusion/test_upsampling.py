"""A second stage learns the detail that a small image leaves open, and two stages make a sampler."""

import pytest
import torch
from torch import nn
from torch.optim import Adam

from likeness.core import train
from likeness.data import batches, load, whole
from likeness.data.batch import Batch
from likeness.diffusion.ddim import ddim
from likeness.diffusion.denoisers import PARAMETERISATIONS
from likeness.diffusion.schedules import cosine
from likeness.diffusion.upsampling import Beside, Cascade, Upsampler
from likeness.errors import InputError
from likeness.nn.adm_unet import UNet
from likeness.sampling import Rows, draw
from likeness.testing import check_method


class Net(nn.Module):
    """Convolutions that see 2c + 1 channels and the time as one more."""

    def __init__(self, c: int = 1, width: int = 32, classes: int = 0) -> None:
        super().__init__()
        self.head = nn.Conv2d(2 * c + 2, width, 3, padding=1)
        self.embed = nn.Embedding(classes, width) if classes else None
        self.body = nn.Sequential(
            nn.SiLU(), nn.Conv2d(width, width, 3, padding=1), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1),
            nn.SiLU(), nn.Conv2d(width, c, 3, padding=1),
        )  # fmt: skip

    def forward(self, x, t, y=None):
        time = (t / 1000)[:, None, None, None].expand_as(x[:, :1])
        h = self.head(torch.cat((x, time), 1))
        return self.body(h if self.embed is None else h + self.embed(y)[:, :, None, None])


def small(**options) -> Upsampler:
    return Upsampler(Net(), PARAMETERISATIONS["v"], cosine(100), **options)


def test_contract() -> None:
    batch = Batch(torch.rand(12, 1, 8, 8) * 2 - 1, torch.randint(2, (12,)))
    check_method(small, batch, lambda m: Adam(m.parameters(), 1e-3))
    by_class = lambda: Upsampler(  # noqa: E731
        Net(classes=2), PARAMETERISATIONS["v"], cosine(100), labels=torch.tensor([5, 7])
    )
    check_method(by_class, batch, lambda m: Adam(m.parameters(), 1e-3))


def test_the_network_sees_the_condition_and_how_noisy_it_is() -> None:
    seen = []

    class Watch(nn.Module):
        def forward(self, x, t):
            seen.append(x)
            return x[:, :1]

    x, c, s = torch.randn(2, 1, 4, 4), torch.randn(2, 1, 4, 4), torch.tensor([0.1, 0.4])
    Beside(Watch(), c, s)(x, torch.zeros(2))
    assert torch.equal(seen[0], torch.cat((x, c, s[:, None, None, None].expand(2, 1, 4, 4)), 1))


def test_lowered_and_raised_keep_the_mean_of_flat_images() -> None:
    flat = torch.tensor([0.3, -0.8])[:, None, None, None].expand(2, 1, 8, 8)
    torch.testing.assert_close(small().raised(small().lowered(flat)), flat)
    x = torch.randn(1, 1, 8, 8)
    torch.testing.assert_close(small().lowered(x)[0, 0, 0, 0], x[0, 0, :2, :2].mean())


@pytest.mark.slow
def test_digits_of_4_by_4_become_digits_of_8_by_8() -> None:
    torch.manual_seed(0)
    data = load("digits")
    stage = small(augmentation=0.3)
    for _ in train(stage, batches(data.train, 64, steps=400), Adam(stage.parameters(), 3e-3)):
        pass
    x = whole(data.test).x[:200]
    low = stage.lowered(x)
    made = stage.upsample(low, ddim(), steps=10, generator=0)
    plain = stage.raised(low)
    error, blur = (float((a - x).square().mean()) for a in (made, plain))
    assert error < 0.8 * blur, "the detail is that of digits"
    assert float((stage.lowered(made) - low).square().mean()) < 0.02, "the small image is kept"
    cascade = Cascade(Rows(low), stage, ddim(), steps=5)
    both = draw(cascade, 30, generator=1)
    assert both.shape == (30, 1, 8, 8)
    assert torch.allclose(both, draw(cascade, 30, generator=1, batch_size=8), atol=1e-4)


def test_the_unet_of_adm_takes_the_condition_as_extra_channels() -> None:
    F = UNet((3, 8, 8), extra=4, width=8, multipliers=(1, 2), blocks=1, attention=(4,), head_channels=8)
    stage = Upsampler(F, PARAMETERISATIONS["noise"], cosine(100))
    next(iter(train(stage, [Batch(torch.rand(4, 3, 8, 8))], Adam(stage.parameters(), 1e-3))))
    assert stage.upsample(torch.rand(2, 3, 4, 4), ddim(), steps=2, generator=0).shape == (2, 3, 8, 8)


def test_bad_input_is_named() -> None:
    for make, told in (
        (lambda: small(factor=1), "factor 1"),
        (lambda: small(augmentation=-1.0), "augmentation -1"),
        (lambda: small(factor=3).lowered(torch.zeros(1, 1, 8, 8)), "8 by 8"),
        (lambda: small().upsample(torch.zeros(1, 1, 4, 4), ddim(), augmentation=0.6), "0 to 0.5"),
    ):
        with pytest.raises(InputError, match=told):
            make()
