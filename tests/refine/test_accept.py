import math

import pytest
import torch
from closed_forms import uniform, uniform_ratio, wide, wide_ratio
from torch import Tensor

from likeness.errors import InputError
from likeness.refine import rejection
from likeness.refine.accept import Filter, Rule
from likeness.sampling import Rows, Streams, streams


def rule(log_accept):
    return lambda burn_in: Rule("test", log_accept, lambda d_M: {}, "more")


def test_the_running_maximum_includes_the_block_and_never_falls() -> None:
    seen = []

    def log_accept(d: Tensor, d_M: Tensor) -> Tensor:
        assert (d <= d_M).all()
        seen.append(float(d_M))
        return d - d_M

    refined = Filter(wide, wide_ratio, rule(log_accept), burn_in=1, block=16)
    refined(400, generator=0)
    assert seen == sorted(seen)
    assert refined.moved == len(set(seen)) - (seen[0] == float(refined.log_M)) > 0


def test_every_proposal_is_judged_once_and_by_its_own_number() -> None:
    """Against the paper's loop, one proposal after the other."""
    refined = rejection(uniform, uniform_ratio, gamma=0.3, burn_in=100, block=64)
    x = uniform(640, generator=Streams(5).split("proposals"))
    u = Streams(5).split("accept").uniform(640)
    log_M = refined.log_M
    kept = []
    for start in range(0, 640, 64):
        d = uniform_ratio(x[start : start + 64]).double()
        log_M = max(log_M, d.max())
        p = refined.rule.log_accept(d, log_M).exp()
        kept += [x[start + i] for i in range(64) if u[start + i] < p[i]]
    assert torch.equal(refined(len(kept), generator=5), torch.stack(kept))


def test_other_seeds_in_between_change_nothing() -> None:
    refined = rejection(uniform, uniform_ratio)
    whole = refined(300, generator=1)
    assert torch.equal(refined(100, generator=Streams(1).at(200)), whole[200:])
    refined(50, generator=2)
    assert torch.equal(refined(100, generator=Streams(1).at(100)), whole[100:200])
    assert torch.equal(refined(100, generator=Streams(1).at(250))[:50], whole[250:])
    assert not torch.equal(refined(300, generator=Streams(1).split("other")), whole)


def test_without_a_seed_torch_decides() -> None:
    refined = rejection(uniform, uniform_ratio)
    torch.manual_seed(4)
    a, b = refined(20), refined(20)
    torch.manual_seed(4)
    assert torch.equal(refined(20), a)
    assert not torch.equal(a, b)


def test_refiners_nest() -> None:
    half = rejection(wide, lambda x: wide_ratio(x) / 2, gamma=0.0)
    whole = rejection(half, lambda x: wide_ratio(x) / 2, gamma=0.0)
    assert float(whole(20_000, generator=0).std()) == pytest.approx(1, abs=0.02)


def test_a_maximum_that_moves_far_is_reported() -> None:
    refined = rejection(uniform, uniform_ratio, gamma=0.0, burn_in=2, seed=3)
    refined(500, generator=0)
    report = refined.report()
    assert report.moved > 0
    finding = next(f for f in report.findings if f.code == "maximum-moved")
    assert f"{math.exp(float(refined.highest - refined.log_M)):.2f} times" in finding.saw


def test_few_effective_proposals_are_reported() -> None:
    refined = rejection(wide, lambda x: -50 * (x - 3).square(), budget=1.0, burn_in=500)
    assert "few-effective" in [f.code for f in refined.report().findings]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_critic_that_gives_no_number_is_refused(bad: float) -> None:
    with pytest.raises(InputError, match=f"critic gave {bad}"):
        rejection(uniform, lambda x: torch.where(x > 4, bad, 0.0))


def test_a_critic_that_excludes_everything_is_refused() -> None:
    with pytest.raises(InputError, match="ratio of all 10000 proposals is 0"):
        rejection(uniform, lambda x: torch.full_like(x, -math.inf))


def test_what_cannot_occur_is_never_kept() -> None:
    refined = rejection(uniform, lambda x: torch.where(x > 0, 0.0, -math.inf), gamma=0.0)
    assert refined(1000, generator=0).min() > 0
    assert refined.report().acceptance_rate == pytest.approx(0.5, abs=0.06)
    assert rejection(uniform, lambda x: torch.where(x > 0, 0.0, -math.inf), budget=1.0)(1000, generator=0).min() > 0


def test_a_file_that_runs_out_says_how_many_were_kept_and_what_to_do() -> None:
    refined = rejection(Rows(uniform(400, generator=0)), uniform_ratio, percentile=90)
    with pytest.raises(InputError, match=r"of the 400 samples on file were kept, 300 were asked for.*percentile"):
        refined(300, generator=0)
    assert len(refined(10, generator=0)) == 10  # nothing was lost


def test_nothing_kept_at_all_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("likeness.refine.accept.HOPELESS", 2000)
    refined = Filter(uniform, uniform_ratio, rule(lambda d, d_M: torch.full_like(d, -math.inf)))
    with pytest.raises(InputError, match="proposals in a row were rejected: give more"):
        refined(1, generator=0)


def test_no_draws_is_no_request() -> None:
    with pytest.raises(InputError, match="cannot draw 0"):
        rejection(uniform, uniform_ratio)(0)


def test_the_probability_of_keeping_a_sample() -> None:
    refined = rejection(uniform, uniform_ratio, gamma=0.0)
    x = torch.tensor([0.0, 1.0, 3.0])
    assert refined.accept_prob(x) == pytest.approx(torch.exp(-x.square() / 2).double(), abs=1e-4)


def test_only_proposals_are_counted_as_passes() -> None:
    calls = []

    def counted(n: int, *, generator=None) -> Tensor:
        calls.append(n)
        return 10 * streams(generator).uniform(n) - 5

    refined = rejection(counted, uniform_ratio, burn_in=1000, block=100)
    refined(100, generator=0)
    refined(100, generator=Streams(0).at(100))
    report = refined.report()
    assert sum(calls) == report.critic_passes == report.proposals + 1000
    assert report.draws == 200
    assert report.proposals < 1200  # the second batch went on where the first one ended
    assert report.seconds > 0
