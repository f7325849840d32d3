"""The contract, the linear VAE whose evidence is known, and what sampling, coding and conditioning promise."""

from itertools import repeat

import pytest
import torch
from linear_gaussian import at_optimum, data, evidence, linear_vae, spectrum
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from likeness.core import Method, train
from likeness.data.batch import Batch
from likeness.density.latents import Posterior, kl, linear
from likeness.density.likelihoods import Bernoulli, DiscretisedLogistic, Gaussian, GaussianMap, binarised
from likeness.density.vae import VAE
from likeness.errors import InputError
from likeness.nn.coding import decoder_for, encoder_for
from likeness.sampling import Streams, draw
from likeness.testing import check_method

BATCH = Batch(torch.rand(8, 3), torch.arange(8) % 2)


def small(event: tuple[int, ...] = (3,), classes: int = 0, likelihood: nn.Module | None = None, **given: object) -> VAE:
    likelihood = likelihood or Gaussian(0.5, learn=True)
    E = encoder_for(event, 4, width=8, classes=classes)
    D = decoder_for(event, d_z=2, outputs=likelihood.outputs, width=8, classes=classes)  # type: ignore[arg-type]
    labels = torch.tensor([1.0, 3.0]) if classes else None
    return VAE(E, D, likelihood, d_z=2, labels=labels, **given)  # type: ignore[arg-type]


def adam(method: Method) -> Optimizer:
    return Adam(method.parameters(), 1e-3)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"likelihood": GaussianMap()},
        {"likelihood": DiscretisedLogistic()},
        {"likelihood": Bernoulli(), "observe": binarised},
        {"beta": 4.0},
        {"beta": linear(2)},
        {"free_bits": 0.1},
        {"classes": 2},
    ],
    ids=["plain", "map", "logistic", "bernoulli", "beta", "annealed", "free", "conditional"],
)
def test_contract(given: dict) -> None:
    check_method(lambda: small(**given), BATCH, adam)


@pytest.mark.parametrize("classes", [0, 2])
def test_contract_on_images(classes: int) -> None:
    batch = Batch(torch.rand(6, 1, 8, 8), torch.arange(6) % 2)
    check_method(lambda: small((1, 8, 8), classes), batch, adam)


def exact_terms(vae: VAE, x: Tensor) -> dict[str, Tensor]:
    """The terms of a linear VAE with the mean over z taken exactly, by points of the same mean and covariance."""
    points = torch.cat((torch.eye(vae.d_z), -torch.eye(vae.d_z))) * vae.d_z**0.5
    noise = points.repeat_interleave(len(x), 0)
    return vae.terms(x.repeat(2 * vae.d_z, 1), noise, {})


def test_at_the_optimum_of_a_linear_vae_the_bound_is_the_evidence() -> None:
    x = data()
    vae = at_optimum(x, 3, 0.4)
    terms = exact_terms(vae, x)
    torch.testing.assert_close(-(terms["reconstruction"] + terms["kl"]).detach(), evidence(vae, x).mean())
    for k in (1, 7):
        torch.testing.assert_close(vae.log_prob(x, k=k), evidence(vae, x), rtol=1e-4, atol=1e-4)
    sum(terms.values()).backward()
    assert max(float(p.grad.abs().max()) for p in vae.parameters()) < 1e-3, "and nothing pulls away from it"


def trained(vae: VAE, x: Tensor, steps: int) -> VAE:
    for lr, times in ((3e-2, steps), (3e-3, steps // 4)):
        for _ in train(vae, repeat(Batch(x), times), Adam(vae.parameters(), lr)):
            pass
    return vae


def test_training_reaches_the_closed_form() -> None:
    x = data()
    best = float(evidence(at_optimum(x, 2, 0.5), x).mean())
    vae = trained(linear_vae(2, 0.5), x, 1000)
    with torch.no_grad():
        reached = -float(sum(exact_terms(vae, x).values()))
    assert best - 0.03 < reached <= best + 1e-4


def test_a_direction_is_used_if_and_only_if_its_variance_exceeds_that_of_the_decoder() -> None:
    x = data()
    values, _ = spectrum(x)
    for sigma in (float(values[1]) ** 0.5 * 1.2, float(values[0]) ** 0.5 * 1.2):
        vae = trained(linear_vae(3, sigma), x, 500)
        each = kl(vae.encode(x)).mean(0)
        assert int((each > 0.03).sum()) == int((values[:3] > sigma**2).sum())


def test_elbo_is_below_the_importance_weighted_bound_is_below_the_evidence() -> None:
    x = data(200)
    vae = at_optimum(x, 2, 0.5)
    with torch.no_grad():
        vae.E.bias += torch.tensor([0.2, -0.2, 0.7, 0.7])
    elbo = -sum(exact_terms(vae, x).values()).detach()
    single, few, many = (
        torch.stack([vae.log_prob(x, k=k, generator=seed) for seed in range(100 // k + 1)]).mean() for k in (1, 4, 300)
    )
    torch.testing.assert_close(single, elbo, atol=0.05, rtol=0)
    exact = float(evidence(vae, x).mean())
    assert elbo < few < many < exact + 0.02
    assert exact - many < 0.05 < exact - few


def test_terms_are_minus_the_bound_whatever_its_weighting_and_their_sum_is_the_loss() -> None:
    noise, x = torch.randn(8, 2), BATCH.x
    plain = small()
    expected = plain.terms(x, noise, {})
    assert set(expected) == {"reconstruction", "kl"}
    for given in ({"beta": 3.0}, {"free_bits": 5.0}):
        other = small(**given)
        other.load_state_dict(plain.state_dict())
        terms = other.terms(x, noise, {})
        assert torch.equal(terms["reconstruction"], expected["reconstruction"])
        assert torch.equal(terms["kl"], expected["kl"])
        pushed = terms["kl"] + terms["weighting"]
        torch.testing.assert_close(pushed, 3 * terms["kl"] if "beta" in given else torch.tensor(10.0))


def test_annealing_follows_the_iteration() -> None:
    vae = small(beta=linear(4))
    pushed = [
        float((s.terms["kl"] + s.terms.get("weighting", 0)) / s.terms["kl"])
        for s in train(vae, [BATCH] * 6, Adam(vae.parameters(), 1e-3))
    ]
    assert pushed == pytest.approx([0, 0.25, 0.5, 0.75, 1, 1], abs=1e-5)


def test_the_mean_has_less_noise_than_the_sample_and_the_same_latents() -> None:
    vae = small(likelihood=Gaussian(0.5)).eval()
    mean, sample = vae.sample(4000, generator=1, mean=True), vae.sample(4000, generator=1)
    assert float((sample - mean).std()) == pytest.approx(0.5, rel=0.03)
    z = Streams(1).normal(4000, 2)
    torch.testing.assert_close(mean, vae.decode(z).detach())


def test_codes_reconstructions_and_lines() -> None:
    vae, x = small((1, 8, 8)).eval(), torch.rand(5, 1, 8, 8)
    codes = vae.encode(x)
    assert isinstance(codes, Posterior)
    torch.testing.assert_close(vae.reconstruct(x), vae.decode(codes.mean).detach())
    line = vae.interpolate(x, x.flip(0), steps=4)
    assert line.shape == (4, 5, 1, 8, 8)
    torch.testing.assert_close(line[0], vae.reconstruct(x), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(line[-1], vae.reconstruct(x.flip(0)), rtol=1e-4, atol=1e-5)
    z = torch.randn(1, 2, requires_grad=True)
    vae.decode(z).sum().backward()
    assert z.grad.abs().sum() > 0


def test_codes_can_be_added_and_subtracted() -> None:
    x = data(30)
    vae = at_optimum(x, 2, 0.4)
    a, b, c = x.split(10)
    z = vae.encode(a).mean - vae.encode(b).mean + vae.encode(c).mean
    told = vae.reconstruct(a) - vae.reconstruct(b) + vae.reconstruct(c)
    torch.testing.assert_close(vae.decode(z).detach(), told, rtol=1e-4, atol=1e-4)


def test_without_labels_a_conditional_bound_sums_over_the_classes() -> None:
    vae, x = small(classes=2).eval(), torch.rand(4, 3)
    each = torch.stack([vae.log_prob(x, torch.full((4,), c), k=200) for c in (0, 1)])
    expected = torch.logsumexp(each + torch.tensor([0.25, 0.75]).log()[:, None], 0)
    torch.testing.assert_close(vae.log_prob(x, k=200), expected, atol=0.2, rtol=0)


def test_a_conditional_model_draws_classes_by_their_frequencies_or_as_told() -> None:
    vae = small(classes=2, likelihood=Gaussian(0.01)).eval()
    with torch.no_grad():
        vae.D.entry.linear.weight.zero_()
    centres = [vae.sample(1, generator=0, y=torch.tensor([c]), mean=True) for c in (0, 1)]
    x = draw(vae.sample, 2000, generator=0)
    nearer = torch.stack([(x - c).norm(dim=1) for c in centres]).argmin(0)
    assert float(nearer.float().mean()) == pytest.approx(0.75, abs=0.03)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="free_bits"):
        small(free_bits=-1.0)
    with pytest.raises(InputError, match="label frequencies"):
        VAE(nn.Linear(1, 2), nn.Linear(1, 1), Gaussian(1.0), d_z=1, labels=torch.zeros(3))
    with pytest.raises(InputError, match="k 0"):
        small().log_prob(BATCH.x, k=0)
    with pytest.raises(InputError, match="conditional on labels"):
        next(small(classes=2).updates(Batch(BATCH.x)))
    with pytest.raises(InputError, match="binarise"):
        next(small(likelihood=Bernoulli()).updates(BATCH))


def test_variants_lie_near_their_samples() -> None:
    vae, x = small(likelihood=Gaussian(1e-5)), torch.rand(3, 3)
    near = vae.variants(x, 4, scale=1e-6, generator=0)
    assert near.shape == (3, 4, 3)
    assert torch.allclose(near, vae.reconstruct(x)[:, None].expand_as(near), atol=1e-3)
    far = vae.variants(x, 400, generator=0) - vae.reconstruct(x)[:, None]
    assert far.std() > 10 * (near - vae.reconstruct(x)[:, None]).std()
    for wrong in ({"n": 0}, {"n": 1, "scale": 0.0}):
        with pytest.raises(InputError, match="one or more"):
            vae.variants(x, **wrong)


def test_a_draw_is_what_its_noise_makes_it_and_gradients_reach_the_noise() -> None:
    made, source = small((1, 8, 8)).train(), Streams(4)
    z, e = source.normal(3, 2), source.normal(3, 1, 8, 8)
    assert torch.equal(made.at(z, e), made.sample(3, generator=4))
    assert torch.equal(made.at(z), made.sample(3, generator=4, mean=True))
    dz, de = torch.autograd.grad(made.at(z.requires_grad_(), e.requires_grad_()).sum(), (z, e))
    torch.testing.assert_close(de, made.likelihood.sigma.expand_as(de))
    assert dz.abs().sum() > 0
