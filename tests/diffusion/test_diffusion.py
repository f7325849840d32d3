import math

import pytest
import torch
from small_denoisers import Small
from torch.optim import Adam

from likeness.core import learn, train
from likeness.data.batch import Batch
from likeness.data.truth import Mixture
from likeness.diffusion.ancestral import ancestral
from likeness.diffusion.ddim import ddim
from likeness.diffusion.denoisers import PARAMETERISATIONS, Preconditioned
from likeness.diffusion.diffusion import HELD_OUT, Diffusion, Unlabelled
from likeness.diffusion.flow_matching import optimal_transport
from likeness.diffusion.importance import Importance
from likeness.diffusion.schedules import Karras, cosine, flow
from likeness.diffusion.transitions import large, learned, small
from likeness.diffusion.weights import WEIGHTS, vlb
from likeness.errors import InputError
from likeness.testing import check_method

T = cosine(20)
LABELS = torch.tensor([3, 2, 1])


def made(event=(3,), *, predict="noise", schedule=T, classes=0, drop=0.0, learned_too=False, **given) -> Diffusion:
    F = Small(event, classes=classes + (drop > 0), outputs=2 if learned_too else 1)
    D = Preconditioned(F, PARAMETERISATIONS[predict], schedule.told, learned=learned_too)
    labels = LABELS[:classes] if classes else None
    given = {"rule": ddim(), "sigmas": schedule.levels(4)} | given
    return Diffusion(D, schedule, event, labels=labels, drop=drop, **given)


HYBRID = {"learned_too": True, "bound": 0.001, "variance": learned, "rule": ancestral(learned)}
KINDS = {
    "plain": {},
    "spread": {"spread": True, "predict": "v", "weight": WEIGHTS["min-snr"]},
    "edm": {"schedule": Karras(), "predict": "edm", "weight": WEIGHTS["edm"]},
    "hybrid": HYBRID,
    "hybrid, levels": HYBRID | {"levels": 5, "clip": True},
    "bound alone": {"bound": 0.1, "weight": None, "variance": large},
    "classes": {"classes": 3},
    "classes, some dropped": {"classes": 3, "drop": 0.4},
    "importance": {"bound": 0.1, "weight": None, "importance": Importance(4)},
    "flow": {"schedule": flow(), "predict": "velocity", "weight": WEIGHTS["velocity"]},
    "flow, coupled": {"schedule": flow(), "predict": "velocity", "couple": optimal_transport},
    "flow, coupled by class": {"schedule": flow(), "predict": "velocity", "couple": optimal_transport, "classes": 3},
}


@pytest.mark.parametrize("kind", KINDS)
def test_contract(kind: str) -> None:
    given, event = KINDS[kind], (1, 2, 2) if "levels" in kind else (3,)
    batch = Batch(torch.rand(9, *event).mul(4).round() / 2 - 1, torch.arange(9) % 3)

    def build() -> Diffusion:
        fresh = {"importance": Importance(4)} if "importance" in given else {}
        return made(event, **given | fresh)

    check_method(build, batch, lambda m: Adam(m.parameters(), 1e-2), steps=12 if "importance" in given else 3)


def test_the_loss_of_ddpm_is_the_squared_error_of_the_noise() -> None:
    method, x = made(), torch.randn(50, 3)
    torch.manual_seed(3)
    ((_, objective),) = method.updates(Batch(x))
    torch.manual_seed(3)
    u, eps = torch.rand(50, dtype=torch.double), torch.randn(50, 3)
    sigma = T.sigmas[(u * 20).long()]
    kept = (1 / (1 + sigma.square())).float()[:, None]
    x_t = kept.sqrt() * x + (1 - kept).sqrt() * eps
    by_hand = (method.D.F(x_t, T.told(sigma).float()) - eps).square().mean()
    torch.testing.assert_close(objective()["error"], by_hand)


def test_the_means_of_steps_do_not_learn_from_a_hybrids_bound() -> None:
    """With and without the bound the part of the network that predicts the noise has the same gradient."""
    grads = []
    for bound in (1e-3, 1e3):
        torch.manual_seed(0)
        method = made(**HYBRID | {"bound": bound})
        ((_, objective),) = method.updates(Batch(torch.randn(20, 3)))
        sum(objective().values()).backward()
        grads.append(method.D.F.last.weight.grad.clone())
    torch.testing.assert_close(grads[0][:3], grads[1][:3])
    assert float(grads[1][3:].norm()) > 1e4 * float(grads[0][3:].norm()) > 0


def test_the_bound_as_a_loss_has_the_gradient_of_its_weights() -> None:
    """T L_t of fixed variances and w of `vlb` differ by a constant: nats and sums to bits and means is D ln 2."""
    grads, batch = [], Batch(torch.randn(200, 3))
    for given in ({"weight": None, "bound": math.log(2), "variance": small}, {"weight": vlb(T)}):
        torch.manual_seed(0)
        method = made(**given)
        ((_, objective),) = method.updates(batch)
        sum(objective().values()).backward()
        grads.append(torch.cat([p.grad.flatten() for p in method.parameters()]))
    torch.testing.assert_close(grads[0], grads[1], rtol=1e-4, atol=1e-4 * float(grads[0].norm()))


def test_evenly_spread_levels_are_of_the_whole_schedule_in_every_batch() -> None:
    method = made(spread=True)
    for _ in range(3):
        assert torch.equal((method._quantiles(20, torch.device("cpu")).u * 20).long().unique(), torch.arange(20))


def test_a_share_of_the_labels_is_dropped() -> None:
    method = made(classes=3, drop=0.25)
    y = method._dropped(Batch(torch.zeros(8000, 3), torch.arange(8000) % 3))
    assert float((y == 3).float().mean()) == pytest.approx(0.25, abs=0.02)
    assert torch.equal(y[y < 3], (torch.arange(8000) % 3)[y < 3])
    x, sigma = torch.randn(5, 3), torch.ones(5)
    nobody = method.D(x, sigma, torch.full((5,), 3))
    assert torch.equal(method.denoiser()(x, sigma), nobody)
    assert torch.equal(Unlabelled(method.D, 3)(x, sigma), nobody)


def test_importance_learns_where_losses_are() -> None:
    method = made(importance=Importance(20), spread=True)
    moves, batch = Adam(method.parameters(), 0.0), Batch(torch.randn(20, 3))
    for _ in range(10):
        learn(method, batch, moves)
    assert bool((method.importance.count == 10).all())
    learn(method, batch, moves)
    assert not bool((method.importance.count == 11).all())


def test_a_draw_belongs_to_its_place_and_to_its_label() -> None:
    method = made(classes=3, drop=0.4)
    y = torch.tensor([0, 1, 2, 0])
    torch.testing.assert_close(method.sample(4, generator=0, y=y)[2:3], method.sample(3, generator=0, y=y[:3])[2:])
    assert not torch.allclose(method.sample(4, generator=0, y=y), method.sample(4, generator=0, y=y.flip(0)))
    assert not method.D.training or method.D.F.training
    clipped = made(clip=True)
    assert float(clipped.sample(50, generator=0).abs().max()) <= 1


def test_the_likelihood_is_exact_where_a_density_is_given_and_a_bound_else() -> None:
    x = torch.rand(6, 3)
    method = made(density=lambda D, x: -D(x, torch.ones(len(x))).sum(1))
    assert method.log_prob_kind == "exact"
    torch.testing.assert_close(method.log_prob(x), -method.D(x, torch.ones(6)).sum(1))
    plain = made()
    assert plain.log_prob_kind == "bound"
    torch.testing.assert_close(plain.log_prob(x[:2]), plain.log_prob(x)[:2])
    classes = made(classes=3)
    each = torch.stack([classes.log_prob(x, torch.full((6,), c)) for c in range(3)])
    share = classes.frequencies.log()[:, None]
    torch.testing.assert_close(classes.log_prob(x), (share + each).logsumexp(0))


def test_the_cost_of_samples_is_the_loss_at_fixed_levels() -> None:
    """For a network that predicts no noise: the mean square of ε, whatever the samples, again and again."""
    method = made()
    for p in method.parameters():
        p.data.zero_()
    x = torch.randn(4000, 3)
    assert float(method.cost(x).mean()) == pytest.approx(1, abs=0.03)
    assert torch.equal(method.cost(x), method.cost(x))
    classes = made(classes=3)
    best = torch.stack([classes.cost(x[:5], torch.full((5,), c)) for c in range(3)]).amin(0)
    torch.testing.assert_close(classes.cost(x[:5]), best)
    assert HELD_OUT == 8


@pytest.mark.parametrize("kind", ["plain", "edm", "flow"])
def test_it_learns_a_distribution(kind: str) -> None:
    """After a short training draws have the means, shares and widths of two clumps on a line."""
    truth = Mixture(torch.tensor([[-1.5], [1.5]]), 0.3, weights=torch.tensor([0.25, 0.75]))
    given = {"sigmas": KINDS[kind].get("schedule", T).levels(20)} | KINDS[kind]
    torch.manual_seed(0)
    F = Small((1,), width=64)
    schedule = given.pop("schedule", T)
    D = Preconditioned(F, PARAMETERISATIONS[given.pop("predict", "v")], schedule.told)
    method = Diffusion(D, schedule, (1,), rule=ddim(), **given)
    batches = (Batch(truth.sample(256, generator=i)) for i in range(600))
    for _ in train(method, batches, Adam(method.parameters(), 5e-3)):
        pass
    x = method.sample(4000, generator=0)[:, 0]
    assert float((x > 0).float().mean()) == pytest.approx(0.75, abs=0.06)
    assert float(x[x > 0].mean()) == pytest.approx(1.5, abs=0.15)
    assert float(x[x > 0].std()) == pytest.approx(0.3, abs=0.15)


def test_what_does_not_go_together_is_refused_in_one_line() -> None:
    for wrong, match in (
        ({"bound": -1.0}, "bound -1"),
        ({"weight": None}, "no loss"),
        ({"bound": 1.0, "schedule": flow()}, "linear or cosine"),
        ({"learned_too": True}, "from the bound alone"),
        ({"drop": 0.1}, "without classes"),
        ({"drop": 1.0, "classes": 3}, "drop 1"),
    ):
        with pytest.raises(InputError, match=match):
            made(**wrong)
    with pytest.raises(InputError, match="conditional on labels"):
        next(made(classes=3).updates(Batch(torch.zeros(2, 3))))
