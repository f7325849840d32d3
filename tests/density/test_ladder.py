"""The contract, one level that is the VAE, two linear levels whose evidence is known, and what coding promises."""

from itertools import repeat

import pytest
import torch
from linear_gaussian import at_optimum, data, evidence, ladder_at_optimum, ladder_evidence, linear_ladder
from torch import Tensor, nn
from torch.optim import Adam

from likeness.core import train
from likeness.data.batch import Batch
from likeness.density.ladder import Ladder, beyond
from likeness.density.latents import Posterior, kl
from likeness.density.likelihoods import Bernoulli, Gaussian, GaussianMap, binarised
from likeness.density.vae import VAE
from likeness.errors import InputError
from likeness.nn.coding import decoder_for, encoder_for
from likeness.nn.topdown import bottom_up_for, latent_shapes, top_down_for
from likeness.sampling import Streams, draw
from likeness.testing import check_method

BATCH = Batch(torch.rand(8, 3), torch.arange(8) % 2)
IMAGES = Batch(torch.rand(6, 1, 8, 8), torch.arange(6) % 2)


def small(
    event: tuple[int, ...] = (3,),
    levels: int = 3,
    classes: int = 0,
    likelihood: nn.Module | None = None,
    **given: object,
) -> Ladder:
    likelihood = likelihood or Gaussian(0.5, learn=True)
    E = bottom_up_for(event, d_z=2, levels=levels, width=8, classes=classes)
    D = top_down_for(event, d_z=2, levels=levels, outputs=likelihood.outputs, width=8, classes=classes)  # type: ignore[arg-type]
    sizes = [torch.zeros(shape).numel() for shape in latent_shapes(event, d_z=2, levels=levels)]
    labels = torch.tensor([1.0, 3.0]) if classes else None
    return Ladder(E, D, likelihood, sizes=sizes, labels=labels, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"levels": 2, "likelihood": GaussianMap()},
        {"likelihood": Bernoulli(), "observe": binarised},
        {"beta": 4.0, "levels": 4},
        {"free_bits": [0.3, 0.0, 0.1]},
        {"classes": 2, "free_bits": 0.1},
    ],
    ids=["plain", "map", "bernoulli", "beta", "free", "conditional"],
)
def test_contract(given: dict) -> None:
    check_method(lambda: small(**given), BATCH, lambda m: Adam(m.parameters(), 1e-3))


@pytest.mark.parametrize("classes", [0, 2])
def test_contract_on_images(classes: int) -> None:
    check_method(lambda: small((1, 8, 8), 3, classes), IMAGES, lambda m: Adam(m.parameters(), 1e-3))


@pytest.mark.parametrize("batch", [BATCH, IMAGES], ids=["vectors", "images"])
@pytest.mark.parametrize("given", [{}, {"beta": 3.0, "free_bits": 0.7}], ids=["plain", "weighted"])
def test_one_level_is_the_vae(batch: Batch, given: dict) -> None:
    x, labels = batch.x, {"y": batch.y}
    event, frequencies = tuple(x.shape[1:]), torch.tensor([1.0, 3.0])
    E, D = encoder_for(event, 4, width=8, classes=2), decoder_for(event, d_z=2, width=8, classes=2)
    vae = VAE(E, D, Gaussian(0.5), d_z=2, labels=frequencies, **given)
    one = small(event, 1, 2, Gaussian(0.5), **given)
    one.E.top.load_state_dict(E.state_dict())
    one.D.start.load_state_dict(D.state_dict())
    noise = torch.randn(len(x), 2)
    for name, term in vae.terms(x, noise, labels).items():
        torch.testing.assert_close(one.terms(x, [noise], labels)[name], term, rtol=1e-6, atol=1e-6)
    one.load_state_dict(one.state_dict())
    one.E.top.load_state_dict(E.state_dict())  # running statistics, which the terms have moved
    one.D.start.load_state_dict(D.state_dict())
    torch.testing.assert_close(one.log_prob(x, k=5), vae.log_prob(x, k=5), rtol=1e-6, atol=1e-5)
    torch.testing.assert_close(one.sample(6, generator=1), vae.sample(6, generator=1), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(one.reconstruct(x, batch.y), vae.reconstruct(x, batch.y), rtol=1e-6, atol=1e-6)


def test_a_residual_of_zero_is_the_prior_and_costs_nothing() -> None:
    p = Posterior(torch.randn(4, 3), torch.randn(4, 3))
    q = beyond(p, Posterior.of(torch.zeros(4, 6)))
    assert float(kl(q, p).abs().max()) < 1e-6
    away = Posterior(torch.randn(4, 3), torch.randn(4, 3))
    told = (away.mean.square() / p.log_variance.exp() + away.log_variance.exp() - 1 - away.log_variance) / 2
    torch.testing.assert_close(kl(beyond(p, away), p), told)


def exact_terms(made: Ladder, x: Tensor) -> dict[str, Tensor]:
    """The terms of a linear model with the mean over z of all levels taken exactly (points of the same moments)."""
    points = torch.cat((torch.eye(4), -torch.eye(4))) * 2
    noise = points.repeat_interleave(len(x), 0)
    return made.terms(x.repeat(8, 1), noise.split(2, 1), {})


def test_at_the_optimum_of_two_linear_levels_the_bound_is_the_evidence() -> None:
    x = data()
    made = ladder_at_optimum(x, 0.4)
    exact = ladder_evidence(made, x)
    torch.testing.assert_close(exact, evidence(at_optimum(x, 2, 0.4), x), rtol=1e-4, atol=1e-4)
    terms = exact_terms(made, x)
    assert set(terms) == {"reconstruction", "kl_1", "kl_2"}
    torch.testing.assert_close(-sum(terms.values()).detach(), exact.mean())
    for k in (1, 7):
        torch.testing.assert_close(made.log_prob(x, k=k), exact, rtol=1e-4, atol=1e-3)
    sum(terms.values()).backward()
    made.D.levels[0].prior.weight.grad[2:] = 0  # a variance that moves with z_2 fits the skewness of these rows
    pulls = [float(p.grad.abs().max()) for p in made.parameters() if p.grad is not None]
    assert max(pulls) < 1e-3, "and nothing pulls away from it"


def test_elbo_is_below_the_importance_weighted_bound_is_below_the_evidence() -> None:
    x = data(200)
    made = ladder_at_optimum(x, 0.5)
    with torch.no_grad():
        made.E.top.bias += torch.tensor([0.2, -0.2, 0.5, 0.5])
        made.D.levels[0].posterior.bias += torch.tensor([0.1, 0.1, 0.4, 0.4])
        elbo = -sum(exact_terms(made, x).values())
    single, few, many = (
        torch.stack([made.log_prob(x, k=k, generator=seed) for seed in range(100 // k + 1)]).mean() for k in (1, 4, 400)
    )
    exact = float(ladder_evidence(made, x).mean())
    torch.testing.assert_close(single, elbo, atol=0.05, rtol=0)
    assert elbo < few < many < exact + 0.02
    assert exact - many < 0.06 < exact - few


def test_training_reaches_the_closed_form() -> None:
    x = data()
    best, made = float(ladder_evidence(ladder_at_optimum(x, 0.5), x).mean()), linear_ladder(0.5)
    for lr, times in ((3e-2, 800), (3e-3, 300)):
        moving = [p for p in made.parameters() if p.requires_grad]
        for _ in train(made, repeat(Batch(x), times), Adam(moving, lr)):
            pass
    with torch.no_grad():
        reached = -float(sum(exact_terms(made, x).values()))
    assert best - 0.1 < reached < best + 0.02


def test_every_level_tells_what_it_carries() -> None:
    x = data()
    made = ladder_at_optimum(x, 0.4)
    told, terms = made.levels_kl(x).mean(0), exact_terms(made, x)
    torch.testing.assert_close(told, torch.stack([terms["kl_2"], terms["kl_1"]]).detach(), atol=0.05, rtol=0)
    with torch.no_grad():  # a top that says nothing
        made.E.top.weight.zero_()
        made.E.top.bias.zero_()
    assert float(made.levels_kl(x)[:, 0].abs().max()) == 0
    assert float(exact_terms(made, x)["kl_2"].detach()) == 0


def test_free_bits_hold_for_each_level() -> None:
    plain, noise = small(levels=2), [torch.randn(8, 2)] * 2
    terms = plain.terms(BATCH.x, noise, {})
    free = small(levels=2, free_bits=[9.0, 0.0])
    free.load_state_dict(plain.state_dict())
    weighted = free.terms(BATCH.x, noise, {})
    assert torch.equal(weighted["kl_2"], terms["kl_2"])
    torch.testing.assert_close(weighted["kl_2"] + weighted["weighting"], torch.tensor(18.0))


def test_codes_reconstructions_and_lines() -> None:
    made, x = small((1, 8, 8)).eval(), torch.rand(5, 1, 8, 8)
    codes = made.codes(x)
    assert [z.shape[1] for z in codes] == [2, 16, 64]
    torch.testing.assert_close(codes[0], made.encode(x).mean)
    line = made.interpolate(x, x.flip(0), steps=4)
    assert line.shape == (4, 5, 1, 8, 8)
    torch.testing.assert_close(line[0], made.reconstruct(x), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(line[-1], made.reconstruct(x.flip(0)), rtol=1e-4, atol=1e-5)
    z = torch.randn(1, 2, requires_grad=True)
    made.decode(z).sum().backward()
    assert z.grad.abs().sum() > 0


def test_the_mean_is_of_the_same_latents_as_the_sample() -> None:
    made = small(likelihood=Gaussian(0.5)).eval()
    mean, sample = made.sample(4000, generator=1, mean=True), made.sample(4000, generator=1)
    assert float((sample - mean).std()) == pytest.approx(0.5, rel=0.03)


def test_draws_follow_the_levels_of_the_prior() -> None:
    x = data(4000)
    made = ladder_at_optimum(x, 0.5)
    found = torch.linalg.eigvalsh(torch.cov(draw(made.sample, 20_000, generator=0).T)).flip(0)
    expected = torch.linalg.eigvalsh(torch.cov(x.T)).flip(0)[:2]
    torch.testing.assert_close(found[:2], expected, rtol=0.05, atol=0)


def test_what_cannot_be_is_refused() -> None:
    for wrong in (-1.0, [0.1, 0.1]):
        with pytest.raises(InputError, match="free_bits"):
            small(free_bits=wrong)
    with pytest.raises(InputError, match="k 0"):
        small().log_prob(BATCH.x, k=0)
    with pytest.raises(InputError, match="conditional on labels"):
        next(small(classes=2).updates(Batch(BATCH.x)))


def test_a_draw_is_what_its_noise_makes_it_and_gradients_reach_every_level() -> None:
    made, source = linear_ladder(0.5), Streams(4)
    z, e = torch.cat([source.normal(3, d) for d in made.sizes], 1), source.normal(3, 5)
    assert torch.equal(made.at(z, e), made.sample(3, generator=4))
    assert torch.equal(made.at(z), made.sample(3, generator=4, mean=True))
    (dz,) = torch.autograd.grad(made.at(z.requires_grad_(), e).square().sum(), z)
    assert (dz.abs() > 0).all()
