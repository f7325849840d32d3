import math

import pytest
import torch
from closed_forms import uniform, uniform_ratio
from scipy.stats import kstest

from likeness.errors import InputError
from likeness.refine import threshold


def test_the_tails_are_cut_off() -> None:
    refined = threshold(uniform, uniform_ratio, share=0.25)
    x = refined(20_000, generator=0)
    assert float(x.var()) == pytest.approx(0.52, abs=0.03)
    assert float(x.abs().max()) == pytest.approx(1.25, abs=0.05)
    assert kstest(x.numpy(), "norm").pvalue < 1e-30
    report = refined.report()
    assert report.acceptance_rate == pytest.approx(0.25, abs=0.02)
    assert report.distortion.kl == math.inf
    assert not report.distortion.exact


def test_it_keeps_the_best() -> None:
    least = threshold(uniform, uniform_ratio, share=0.1).report().facts["least"]
    assert uniform_ratio(threshold(uniform, uniform_ratio, share=0.1)(500, generator=0)).min() >= least - 1e-6


@pytest.mark.parametrize("share", [0.0, 1.0, 25.0])
def test_a_share_lies_between_nothing_and_everything(share: float) -> None:
    with pytest.raises(InputError, match="share="):
        threshold(uniform, uniform_ratio, share=share)


def test_ties_are_kept() -> None:
    assert len(threshold(uniform, torch.zeros_like, share=0.5)(10, generator=0)) == 10
