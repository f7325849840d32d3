"""The error of rounding falls fourfold a bit, entropies are those of known laws, and PSNR has its known value."""

import pytest
import torch

from likeness.errors import InputError
from likeness.represent.compression import Quantiser, psnr


def test_a_number_is_at_most_half_a_cell_away() -> None:
    z = torch.rand(4000, 3) * torch.tensor([1.0, 10.0, 0.1])
    for bits in (2, 5):
        made = Quantiser(bits, tails=0.0).fit(z)
        away = (made.inverse_transform(made.transform(z)) - z).abs()
        assert (away <= (z.amax(0) - z.amin(0)) / 2**bits / 2 * 1.001).all()
        assert float((away / z.std(0)).square().mean()) == pytest.approx(4.0**-bits, rel=0.1), "of a uniform law"


def test_entropy_is_the_rate_for_a_uniform_law_and_less_for_any_other() -> None:
    u, g = torch.rand(50_000, 2), torch.randn(50_000, 2)
    uniform, normal = Quantiser(4, tails=0.0).fit(u), Quantiser(4, tails=0.0).fit(g)
    assert uniform.rate(2, 8) == 1.0
    assert uniform.entropy(uniform.transform(u), 8) == pytest.approx(1.0, rel=1e-3)
    cell = normal.step
    differential = 0.5 * torch.log2(torch.tensor(2 * torch.pi * torch.e))  # bits of N(0, 1)
    expected = float((differential - cell.log2()).sum()) / 8
    assert normal.entropy(normal.transform(g), 8) == pytest.approx(expected, rel=0.01)


def test_a_constant_number_costs_nothing_and_outliers_take_the_last_cell() -> None:
    z = torch.cat((torch.zeros(1000, 1), torch.rand(1000, 1)), 1)
    made = Quantiser(3).fit(z)
    assert made.entropy(made.transform(z)[:, :1].expand(-1, 2), 1) < 100
    assert made.transform(torch.tensor([[0.0, 50.0], [0.0, -50.0]]))[:, 1].tolist() == [7, 0]
    assert made.inverse_transform(made.transform(z)).isfinite().all()


def test_psnr_has_its_known_value() -> None:
    x = torch.zeros(2, 1, 4, 4)
    assert psnr(x + 0.2, x) == pytest.approx(20.0)
    assert psnr(x + 0.1, x, span=1.0) == pytest.approx(20.0)


@pytest.mark.parametrize("bits", [0, 17])
def test_bits_out_of_range_are_refused(bits: int) -> None:
    with pytest.raises(InputError, match="use 1 to 16"):
        Quantiser(bits)
