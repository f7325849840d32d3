"""Each method and each judgement that can be asked for arrives; what cannot be is refused."""

import pytest
import torch

from likeness.data import whole
from likeness.errors import InputError
from likeness.recipes.refinement import FEW, Refinement, density_ratio, fitting, refined, refined_by
from likeness.refine import DensityRatio
from likeness.sampling import draw


@pytest.fixture(scope="module")
def real(trained) -> torch.Tensor:
    return whole(trained.data.train, 2000).x


@pytest.mark.parametrize("source", ["own", "fit", "keep-training"])
def test_every_judgement_arrives(trained, real: torch.Tensor, source: str) -> None:
    told: list[tuple[int, int, str]] = []
    how = Refinement(ratio=source, ratio_steps=100)
    ratio = density_ratio(trained.session, real, how, lambda *words: told.append(words))
    assert ratio(real[:5]).shape == (5,)
    assert (ratio.calibration is None) == (source == "own")
    assert bool(told) == (source != "own")


@pytest.mark.parametrize("method", ["rejection", "metropolis", "resampling", "langevin"])
def test_every_method_draws_and_reports(trained, real: torch.Tensor, method: str) -> None:
    ratio = DensityRatio(lambda x: -x.square().sum(1))
    sampler = refined(
        trained.session,
        ratio,
        real,
        Refinement(method=method, chain_steps=8, pool=4, budget=3 if method == "rejection" else None),
    )
    x = draw(sampler, 40, generator=0)
    assert torch.allclose(x, draw(sampler, 40, generator=0, batch_size=7), atol=1e-5)
    assert sampler.report().draws >= 40


def test_a_model_without_a_critic_or_latents_says_so(trained, real: torch.Tensor) -> None:
    bare = trained.session._replace(model=trained.session.model._replace(critic=None, decode=None))
    with pytest.raises(InputError, match="no critic of its own"):
        density_ratio(bare, real, Refinement(ratio="own"))
    assert density_ratio(bare, real, Refinement(ratio_steps=20)).calibration is not None, "one is fitted instead"
    with pytest.raises(InputError, match="needs a model with a latent space"):
        refined(bare, DensityRatio(lambda x: x[:, 0]), real, Refinement(method="langevin"))
    with pytest.raises(InputError, match="unknown method of refinement"):
        refined_by(bare.model.sampler, DensityRatio(lambda x: x[:, 0]), real, Refinement(method="langevin"), 0)


def test_images_learn_from_smaller_batches() -> None:
    vectors, images = (fitting(torch.zeros(9, *shape), Refinement(), 0, None) for shape in ((2,), (1, 8, 8)))
    assert images["batch_size"] < vectors["batch_size"]
    assert fitting(torch.zeros(9, 2), Refinement(ratio_steps=7), 0, None)["max_steps"] == 7


def test_where_draws_are_walks_few_are_made(trained, real: torch.Tensor) -> None:
    drawn = 0

    def walk(n: int, *, generator: object = None) -> torch.Tensor:
        nonlocal drawn
        drawn += n
        return sampler(n, generator=generator)

    sampler = trained.session.model.sampler
    model = trained.session.model._replace(sampler=walk, critic=None, walks=True)
    slow, how = trained.session._replace(model=model), Refinement(ratio_steps=20)
    ratio = density_ratio(slow, real, how)
    assert drawn <= 4001, "drawn once, and one to see what they look like"
    assert ratio(real[:5]).shape == (5,)
    sharp = DensityRatio(lambda x: -50 * x.square().sum(1))
    for asked, budget in ((how, FEW), (Refinement(budget=50), 50)):
        better = refined(slow, sharp, real, asked)
        draw(better, 100, generator=0)
        assert better.report().facts["budget"] == budget
