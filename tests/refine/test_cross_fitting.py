import pytest
import torch
from scipy.stats import kstest

from likeness.refine import budget_for, cross_fit, metropolis_hastings, rejection
from likeness.sampling import Rows, mapped

QUICK = {"max_steps": 300, "patience": 200, "batch_size": 256, "lr": 3e-3}


@pytest.fixture(scope="module")
def files() -> tuple[torch.Tensor, torch.Tensor]:
    source = torch.Generator().manual_seed(7)
    return 1.5 * torch.randn(4000, 1, generator=source), torch.randn(3000, 1, generator=source)


def test_a_file_is_refined_without_a_model(files: tuple[torch.Tensor, torch.Tensor]) -> None:
    fake, real = files
    fake = fake[fake[:, 0].argsort()]  # in the worst order: the refiner must not read from the top
    scored = cross_fit(fake, real, **QUICK)
    refined = rejection(scored.numbers, scored.ratio, budget=budget_for(4000, 1500))
    numbers = refined(1500, generator=0)
    assert len(numbers.unique()) == 1500
    kept = scored.rows(numbers)
    assert torch.equal(kept, mapped(refined, scored.rows)(1500, generator=0))
    assert kstest(fake[:, 0].numpy(), "norm").pvalue < 1e-6
    assert kstest(kept[:, 0].numpy(), "norm").pvalue > 1e-3


def test_no_row_is_scored_by_what_learned_from_it(files: tuple[torch.Tensor, torch.Tensor]) -> None:
    """Twenty rows, learned by heart: the scores of a fit to all of them fall, those across the folds do not."""
    fake, real = files[0][:60], files[1]
    scored = cross_fit(fake, real, max_steps=100, batch_size=64)
    halves = scored.numbers(60).tensor_split(2)
    for half, fold in zip(halves, reversed(scored.folds), strict=True):
        assert torch.equal(scored.log_ratio[half], fold(fake[half]))
    assert sorted(scored.numbers(60).tolist()) == list(range(60))


def test_the_network_given_is_copied(files: tuple[torch.Tensor, torch.Tensor]) -> None:
    network = torch.nn.Linear(1, 1)
    before = network.weight.clone()
    scored = cross_fit(files[0][:100], files[1], network=network, max_steps=20, batch_size=32)
    assert torch.equal(network.weight, before)
    assert scored.folds[0].logit is not scored.folds[1].logit


def test_samples_that_are_not_on_file_are_scored_by_both_folds(files: tuple[torch.Tensor, torch.Tensor]) -> None:
    fake, real = files
    scored = cross_fit(fake[:400], real, max_steps=20, batch_size=32)
    assert torch.allclose(scored.ratio(real[:5]), (scored.folds[0](real[:5]) + scored.folds[1](real[:5])) / 2)
    chains = metropolis_hastings(scored.numbers, scored.ratio, real, steps=4)
    assert scored.rows(chains(100, generator=0)).shape == (100, 1)


def test_what_the_folds_find_is_handed_on() -> None:
    far = torch.randn(400, 1)
    scored = cross_fit(far, far + 60, max_steps=100)
    found = rejection(Rows(torch.arange(400)), scored.ratio).report().findings
    assert "separable-supports" in [f.code for f in found]
