import pytest
import torch

from likeness.data.truth import Mixture
from likeness.diffusion.denoisers import over, score
from likeness.diffusion.oracle import Exact
from likeness.diffusion.predictor_corrector import predictor_corrector
from likeness.diffusion.sampler import Diffused
from likeness.diffusion.schedules import karras
from likeness.errors import InputError

TRUTH = Mixture(torch.tensor([[1.0, -1.0], [-2.0, 0.5]]), 0.4)


def test_it_is_the_published_pair() -> None:
    """Corrector, then predictor, with the score; the published step size where ‖s‖ is that of noise, √d/σ."""
    D, levels, r = Exact(TRUTH), [5.0, 2.0, 0.0], 0.2
    x, noises = torch.randn(20, 2).double(), list(torch.randn(9, 20, 2).double())
    z, mine = iter(noises), x
    for sigma, to in ((5.0, 2.0), (2.0, 0.0)):
        s = torch.full((20,), sigma).double()
        for _ in range(2):
            noise = next(z)
            epsilon = 2 * (r * 2**0.5 / (2**0.5 / sigma)) ** 2
            mine = mine + epsilon * score(D, mine, s) + (2 * epsilon) ** 0.5 * noise
        mine = mine + (sigma**2 - to**2) * score(D, mine, s)
        if to:
            mine = mine + (sigma**2 - to**2) ** 0.5 * next(z)
    *_, theirs = predictor_corrector(snr=r, corrections=2)(D, x, torch.tensor(levels).double(), iter(noises).__next__)
    torch.testing.assert_close(theirs, mine)


def test_the_last_step_denoises() -> None:
    x = torch.randn(3, 2)
    (last,) = predictor_corrector(corrections=0)(
        lambda x, s: x / over(1 + s, x), x, torch.tensor([1.0, 0.0]), torch.Tensor
    )
    torch.testing.assert_close(last, x / 2)


def test_the_corrector_mends_what_the_predictor_leaves() -> None:
    """Of a Gaussian, with few steps: the predictor alone leaves too wide a law."""
    truth = Mixture(torch.zeros(1, 2), 1.0)
    off = {}
    for corrections in (0, 5):
        rule = predictor_corrector(snr=0.3, corrections=corrections)
        *_, x, _ = Diffused(Exact(truth), rule, karras(12, 0.01, 20.0), (2,)).states(20_000, generator=0)
        off[corrections] = abs(float(x.std()) - 1)
    assert off[5] < off[0] / 2, off


@pytest.mark.parametrize(("wrong", "said"), [({"snr": 1.5}, "snr 1.5"), ({"corrections": -1}, "-1 corrections")])
def test_numbers_out_of_range_are_named(wrong: dict[str, float], said: str) -> None:
    with pytest.raises(InputError, match=said):
        predictor_corrector(**wrong)
