"""Any sampler × any refiner: shapes, seeds, batches, and a target known in closed form."""

from collections.abc import Callable

import pytest
import torch
from closed_forms import uniform, uniform_ratio, wide, wide_ratio
from scipy.stats import kstest

from likeness.errors import InputError
from likeness.lockstep import lockstep
from likeness.refine import latent_langevin, metropolis_hastings, rejection, resampling, threshold
from likeness.refine.report import Report
from likeness.sampling import Rows, Sampler, Streams, draw, mapped

START = torch.randn(200, generator=torch.Generator().manual_seed(0))
REFINERS: dict[str, Callable[[Sampler, Callable], Sampler]] = {
    "budget": lambda s, r: rejection(s, r, block=64),
    "exact": lambda s, r: rejection(s, r, gamma=0, block=64),
    "metropolis-hastings": lambda s, r: metropolis_hastings(s, r, START, steps=30),
    "resampling": lambda s, r: resampling(s, r, pool=64),
}
BIASED: dict[str, Callable[[Sampler, Callable], Sampler]] = {
    "percentile": lambda s, r: rejection(s, r, percentile=95, block=64),
    "tight budget": lambda s, r: rejection(s, r, budget=1.2, block=64),
    "threshold": lambda s, r: threshold(s, r, share=0.5, block=64),
}
SAMPLERS = {"uniform": (uniform, uniform_ratio), "wide": (wide, wide_ratio)}


def langevin() -> Sampler:
    return latent_langevin(lambda z: 1.5 * z, lambda x: wide_ratio(x[:, 0]), 1, steps=40)


def build(refiner: str, sampler: str) -> Sampler:
    return langevin() if refiner == "langevin" else (REFINERS | BIASED)[refiner](*SAMPLERS[sampler])


CASES = [(r, s) for r in REFINERS | BIASED for s in SAMPLERS] + [("langevin", "wide")]


@pytest.mark.parametrize(("refiner", "sampler"), CASES)
def test_draws_belong_to_the_seed_and_the_place(refiner: str, sampler: str) -> None:
    refined = build(refiner, sampler)
    whole = draw(refined, 300, generator=7)
    assert whole.shape[0] == 300
    assert whole.isfinite().all()
    for size in (23, 150):
        assert torch.allclose(draw(build(refiner, sampler), 300, generator=7, batch_size=size), whole, atol=1e-5)
    assert torch.allclose(refined(100, generator=7), whole[:100], atol=1e-5)
    assert torch.allclose(refined(50, generator=Streams(7, first=120)), whole[120:170], atol=1e-5)
    assert not torch.allclose(draw(refined, 300, generator=8), whole)


@pytest.mark.parametrize(("refiner", "sampler"), [(r, s) for r in REFINERS for s in SAMPLERS] + [("langevin", "wide")])
def test_the_target_is_reached(refiner: str, sampler: str) -> None:
    refined = build(refiner, sampler)
    x = draw(refined, 4000, generator=1).flatten()
    assert kstest(x.numpy(), "norm").pvalue > 0.01
    report = refined.report()
    assert isinstance(report, Report)
    assert report.findings == ()
    assert report.draws == 4000
    assert report.cost >= 1
    assert 0 < report.acceptance_rate <= 1
    assert report.critic_passes >= report.proposals
    assert report.seconds > 0


@pytest.mark.parametrize("refiner", REFINERS | BIASED)
def test_rows_on_file_and_images_are_refined_as_well(refiner: str) -> None:
    rows = wide(8192, generator=3)
    on_file = (REFINERS | BIASED)[refiner](Rows(rows), wide_ratio)(100, generator=0)
    assert torch.isin(on_file, rows).all()
    assert len(on_file.unique()) == 100
    tiles = mapped(wide, lambda x: x[:, None, None, None].expand(-1, 3, 4, 4))
    if refiner != "metropolis-hastings":
        images = (REFINERS | BIASED)[refiner](tiles, lambda x: wide_ratio(x[:, 0, 0, 0]))(5, generator=0)
        assert images.shape == (5, 3, 4, 4)


@pytest.mark.parametrize(("refiner", "sampler"), CASES)
def test_any_number_of_processes_draw_and_count_what_one_does(refiner: str, sampler: str) -> None:
    def work(rank: int) -> tuple[torch.Tensor, torch.Tensor, Report]:
        refined = build(refiner, sampler)
        many = draw(refined, 300, generator=7, batch_size=64)
        return many, refined(50, generator=7), refined.report()._replace(seconds=0.0)

    (alone,) = lockstep(1, work)
    for processes in (2, 3):
        for many, few, report in lockstep(processes, work):
            assert torch.equal(many, alone[0])
            assert torch.equal(few, alone[1])
            assert report == alone[2]


def test_processes_share_a_file_and_all_say_where_it_ends() -> None:
    rows = wide(600, generator=3)

    def work(rank: int) -> torch.Tensor:
        refined = mapped(rejection(Rows(torch.arange(600)), lambda i: wide_ratio(rows[i]), block=64), lambda i: rows[i])
        x = draw(refined, 40, generator=0, batch_size=16)
        with pytest.raises(InputError, match="of the 600 samples on file were kept, 599 were asked for"):
            refined(599, generator=1)
        return x

    (alone,) = lockstep(1, work)
    for x in lockstep(3, work):
        assert torch.equal(x, alone)
