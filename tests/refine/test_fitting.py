import copy
import math

import pytest
import torch
from closed_forms import wide
from torch import nn

from likeness.errors import InputError
from likeness.lockstep import lockstep
from likeness.nn import VectorCritic
from likeness.refine import fit_ratio, keep_training, rejection
from likeness.refine.fitting import Headed, RealOrGenerated, Standardised
from likeness.sampling import Rows, Streams, streams
from likeness.testing import check_method

QUICK = {"max_steps": 500, "patience": 300, "batch_size": 256, "lr": 3e-3}


def plane(n: int, *, generator: int | Streams | None = None) -> torch.Tensor:
    return 1.5 * streams(generator).normal(n, 2)


def true_ratio(x: torch.Tensor) -> torch.Tensor:
    """log N(0, 1) / N(0, 1.5²) in the plane."""
    return 2 * math.log(1.5) - x.square().sum(1) * (1 - 1 / 2.25) / 2


@pytest.fixture(scope="module")
def real() -> torch.Tensor:
    return torch.randn(4000, 2, generator=torch.Generator().manual_seed(5))


def test_the_contract_of_a_method() -> None:
    pair = (torch.randn(8, 3), torch.randn(8, 3))
    check_method(lambda: RealOrGenerated(nn.Linear(3, 1)), pair, lambda m: torch.optim.Adam(m.parameters()))


def test_the_ratio_of_two_gaussians(real: torch.Tensor) -> None:
    ratio = fit_ratio(plane, real, **QUICK)
    x = torch.randn(2000, 2)
    d, true = ratio(x), true_ratio(x)
    assert float(torch.corrcoef(torch.stack((d, true)))[0, 1]) > 0.95
    assert float((d - true).square().mean().sqrt()) < 0.25
    facts = ratio.calibration
    assert (facts.n_real, facts.n_fake) == (800, 800)
    assert 0.6 < facts.auc < 0.8
    assert facts.brier < 0.24
    assert facts.log_loss < math.log(2)
    assert ratio.findings == ()
    refined = rejection(plane, ratio)(4000, generator=0)
    assert float(refined.std()) == pytest.approx(1, abs=0.06)


def test_the_same_seed_gives_the_same_ratio_whatever_came_before(real: torch.Tensor) -> None:
    options = {"max_steps": 20, "batch_size": 64}
    state = torch.get_rng_state()
    first = fit_ratio(plane, real[:200], seed=3, **options)
    assert torch.equal(torch.get_rng_state(), state)
    torch.randn(7)
    again, other = (fit_ratio(plane, real[:200], seed=s, **options) for s in (3, 4))
    assert torch.equal(first(real[:9]), again(real[:9]))
    assert not torch.equal(first(real[:9]), other(real[:9]))


def test_training_stops_and_keeps_the_best(real: torch.Tensor) -> None:
    seen = []
    ratio = fit_ratio(plane, real[:40], max_steps=3000, patience=300, batch_size=64, lr=1e-2,
                      progress=lambda step, loss: seen.append((loss, step)))  # fmt: skip
    assert ratio.fit.steps < 3000, "forty samples should be learned by heart long before"
    best, at = min(seen)
    assert (ratio.fit.held_out_loss, ratio.fit.kept) == (best, at)
    assert ratio.fit.steps == at + 300


def test_keep_training_improves_a_copy(real: torch.Tensor) -> None:
    D = VectorCritic(2, width=32, depth=2)
    before = copy.deepcopy(D.state_dict())
    ratio = keep_training(D, plane, real, **QUICK)
    assert all(torch.equal(before[name], value) for name, value in D.state_dict().items())
    assert D.training
    x = torch.randn(2000, 2)
    assert float(torch.corrcoef(torch.stack((ratio(x), true_ratio(x))))[0, 1]) > 0.95


def test_a_score_that_is_no_logit_gets_a_head(real: torch.Tensor) -> None:
    D = VectorCritic(2, width=64, depth=2)
    ratio = keep_training(D, plane, real, logistic=False, **QUICK)
    assert isinstance(ratio.logit, Headed)
    assert all(torch.equal(a, b) for a, b in zip(D.parameters(), ratio.logit.critic.parameters(), strict=True))
    x = torch.randn(2000, 2)
    assert float(torch.corrcoef(torch.stack((ratio(x), true_ratio(x))))[0, 1]) > 0.9
    own = nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 1))
    assert keep_training(D, plane, real, head=own, max_steps=10).logit.head is own


def test_rows_are_held_out_from_their_own_training(real: torch.Tensor) -> None:
    ratio = fit_ratio(Rows(plane(300, generator=0)), real[:500], max_steps=100, batch_size=64)
    assert (ratio.calibration.n_real, ratio.calibration.n_fake) == (100, 60)


def test_vectors_far_from_the_origin_are_learned_as_well(real: torch.Tensor) -> None:
    def moved(n: int, *, generator: int | Streams | None = None) -> torch.Tensor:
        return 1e4 + 100 * plane(n, generator=generator)

    ratio = fit_ratio(moved, 1e4 + 100 * real, **QUICK)
    x = torch.randn(2000, 2)
    assert float(torch.corrcoef(torch.stack((ratio(1e4 + 100 * x), true_ratio(x))))[0, 1]) > 0.95
    assert isinstance(ratio.logit, Standardised)


def test_supports_that_do_not_meet_are_reported(real: torch.Tensor) -> None:
    ratio = fit_ratio(plane, real[:500] + 50, max_steps=100)
    assert "separable-supports" in [f.code for f in ratio.findings]


def test_equal_distributions_are_reported(real: torch.Tensor) -> None:
    ratio = fit_ratio(lambda n, *, generator=None: streams(generator).normal(n, 2), real, max_steps=100)
    assert [f.code for f in ratio.findings] == ["blind-ratio"]


def test_images() -> None:
    def noise(n: int, *, generator: int | Streams | None = None) -> torch.Tensor:
        return streams(generator).normal(n, 1, 8, 8).clamp(-1, 1)

    ratio = fit_ratio(noise, torch.rand(100, 1, 8, 8), max_steps=20, batch_size=16)
    assert ratio(noise(3, generator=0)).shape == (3,)


def test_bad_input_is_refused(real: torch.Tensor) -> None:
    with pytest.raises(InputError, match="3 real samples"):
        fit_ratio(plane, real[:3])
    with pytest.raises(InputError, match="3 generated samples"):
        fit_ratio(Rows(real[:3]), real)
    with pytest.raises(InputError, match=r"shape \(\), the real ones have \(2,\)"):
        fit_ratio(wide, real)
    with pytest.raises(InputError, match=r"val_frac=20"):
        fit_ratio(plane, real, val_frac=20.0)
    with pytest.raises(InputError, match="NaN"):
        fit_ratio(plane, real.clone().index_fill(0, torch.tensor([0]), math.nan))
    broken = nn.Linear(2, 1)
    nn.init.constant_(broken.weight, math.nan)
    with pytest.raises(InputError, match="critic gave nan"):
        keep_training(broken, plane, real)


def test_processes_that_fit_together_get_the_ratio_of_one(real: torch.Tensor) -> None:
    def work(rank: int) -> tuple[torch.Tensor, object]:
        ratio = fit_ratio(plane, real[:300], seed=3, max_steps=20, batch_size=64)
        return ratio(real[:50]), (ratio.calibration, ratio.fit)

    ((d, facts),) = lockstep(1, work)
    for other, known in lockstep(2, work):
        assert torch.equal(d, other)
        assert known == facts
