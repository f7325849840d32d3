"""The contract; one exemplar at zero is the plain VAE; what is retrieved, kept, added and refused."""

import copy
import math
from itertools import repeat

import pytest
import torch
from torch import nn
from torch.optim import Adam

from likeness.core import learn, train
from likeness.data.batch import Batch
from likeness.data.batching import batches
from likeness.data.memory import InMemory
from likeness.density.exemplar_vae import ExemplarVAE
from likeness.density.latents import linear
from likeness.density.likelihoods import Bernoulli, Gaussian, binarised
from likeness.density.vae import VAE
from likeness.errors import InputError
from likeness.lockstep import lockstep
from likeness.nn.gated import GatedMLP
from likeness.ranks import rows, world
from likeness.sampling import draw
from likeness.testing import check_method

X = torch.randn(60, 3, generator=torch.Generator().manual_seed(0))


def small(event: tuple[int, ...] = (3,), capacity: int = 12, likelihood: nn.Module | None = None, **given: object):
    torch.manual_seed(5)
    E, D = GatedMLP(event, (4,), width=8), GatedMLP((2,), event, width=8)
    options = {"k": 3, **given}
    return ExemplarVAE(E, D, likelihood or Gaussian(0.5), d_z=2, event=event, capacity=capacity, **options)  # type: ignore[arg-type]


def adam(method: nn.Module) -> Adam:
    return Adam(method.parameters(), 1e-3)


def learned(model: ExemplarVAE, x: torch.Tensor, size: int, steps: int, start: int = 0) -> ExemplarVAE:
    for _ in train(model, batches(InMemory(x), size, steps=steps, start=start), adam(model)):
        pass
    return model


@pytest.mark.parametrize(
    "given",
    [{}, {"k": None}, {"share": 1.0}, {"beta": linear(2)}, {"capacity": 30}],
    ids=["plain", "all", "no-dropout", "annealed", "larger"],
)
def test_contract(given: dict) -> None:
    check_method(lambda: small(**given), Batch(X[:12], index=torch.arange(12).flip(0)), adam)


def test_contract_on_binarised_images() -> None:
    x = torch.randint(0, 256, (12, 1, 4, 4)).float().sub(127.5).mul(1 / 127.5)
    build = lambda: small((1, 4, 4), likelihood=Bernoulli(), observe=binarised)  # noqa: E731
    check_method(build, Batch(x, index=torch.arange(12)), adam)


def test_one_exemplar_at_zero_is_the_plain_vae() -> None:
    """Their KLs agree in the mean over z, which points of its mean and covariance give exactly."""
    model = small()
    vae = VAE(model.E, model.D, model.likelihood, d_z=2)
    points = torch.cat((torch.eye(2), -torch.eye(2))) * 2**0.5
    x, noise = X.repeat(4, 1), points.repeat_interleave(len(X), 0)
    ours, theirs = model.terms(x, noise, torch.zeros(1, 2)), vae.terms(x, noise, {})
    for name in ("reconstruction", "kl"):
        torch.testing.assert_close(ours[name], theirs[name])


def test_with_all_neighbours_retrieval_changes_nothing() -> None:
    models = [learned(small(k=k, share=1.0), X[:12], 12, 3) for k in (11, None)]
    for a, b in zip(models[0].parameters(), models[1].parameters()):
        torch.testing.assert_close(a, b)


def test_neighbours_alone_bound_the_loss_from_above() -> None:
    kl = {}
    for k in (1, 4, None):
        model = small(k=k, share=1.0)
        (step,) = train(model, [Batch(X[:12], index=torch.arange(12))], adam(model))
        kl[k] = float(step.terms["kl"])
    assert kl[1] >= kl[4] >= kl[None]
    assert kl[1] > kl[None]


def test_a_part_of_the_exemplars_is_drawn_anew_in_each_epoch() -> None:
    model, seen = small(capacity=60, share=0.5), []
    for step in train(model, batches(InMemory(X), 12, steps=16), adam(model)):
        if step.iteration % 5 == 1:
            seen.append(model.table.listed.clone())
    assert seen[0].sum() == 12, "the first batch"
    assert [int(s.sum()) for s in seen[1:]] == [30] * 3
    assert not torch.equal(seen[1], seen[2])


def test_the_table_holds_the_codes_of_samples_by_their_places() -> None:
    model = learned(small(capacity=60), X, 20, 7)
    table = model.table.codes.clone()
    torch.testing.assert_close(table, model.encode(X).mean, atol=0.05, rtol=0)
    assert not torch.allclose(table, model.encode(X).mean), "the encoder has moved since"
    model.refresh()
    assert bool(model.known.all())
    torch.testing.assert_close(model.centres, model.encode(X).mean)
    assert torch.equal(model.table.codes, table), "what training looks at is decided by training alone"


def test_stopped_and_resumed_it_goes_on_as_if_it_had_not() -> None:
    whole, first, second = small(capacity=60), small(capacity=60), small(capacity=60)
    moves = [adam(m) for m in (whole, first, second)]

    def go(model: ExemplarVAE, move: Adam, start: int, steps: int) -> None:
        for _ in train(model, batches(InMemory(X), 20, steps=steps, start=start), move):
            pass

    torch.manual_seed(1)
    go(whole, moves[0], 0, 8)
    torch.manual_seed(1)
    go(first, moves[1], 0, 4)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    moves[2].load_state_dict(copy.deepcopy(moves[1].state_dict()))
    go(second, moves[2], 4, 4)
    for (name, a), b in zip(whole.state_dict().items(), second.state_dict().values()):
        assert torch.equal(a, b), name


def test_two_processes_hold_the_table_that_one_would() -> None:
    whole = learned(small(capacity=60), X, 12, 8)
    models = [small(capacity=60), small(capacity=60)]
    every = list(batches(InMemory(X), 12, steps=8))

    def play(rank: int) -> None:
        moves, part = adam(models[rank]), world().part(12)
        for batch in every:
            learn(models[rank].train(), rows(batch, part.start, part.start + part.n), moves)

    torch.manual_seed(0)
    lockstep(2, play)
    assert torch.equal(models[0].table.codes, models[1].table.codes)
    assert torch.equal(models[0].table.order, models[1].table.order)
    assert torch.equal(models[0].memory.samples, models[1].memory.samples)
    assert torch.equal(models[0].memory.samples, whole.memory.samples)


def test_the_bound_is_below_the_evidence_of_a_linear_model_and_tight() -> None:
    """x = w z + b + noise with z from three exemplars: log p(x) is a mixture of Gaussians."""
    E, D = nn.Linear(1, 2), nn.Linear(1, 1)
    model = ExemplarVAE(E, D, Gaussian(0.5), d_z=1, event=(1,), capacity=4, k=1)
    with torch.no_grad():
        D.weight.fill_(0.8), D.bias.fill_(0.3), model.log_variance.fill_(math.log(0.5))
        E.weight.copy_(torch.tensor([[0.7], [0.0]])), E.bias.copy_(torch.tensor([0.0, 0.5]))
    model.codes[:3, 0] = torch.tensor([-1.0, 0.2, 2.0])
    model.known[:3] = True
    x = torch.linspace(-2, 2, 9)[:, None]
    spread = (0.5 * 0.8**2 + 0.25) ** 0.5
    each = torch.distributions.Normal(0.8 * model.centres[:, 0] + 0.3, spread).log_prob(x)
    evidence = torch.logsumexp(each, 1) - math.log(3)
    few, many = (model.log_prob(x, k=k).mean() for k in (1, 1000))
    assert few < many
    torch.testing.assert_close(many, evidence.mean(), atol=0.02, rtol=0)


def test_draws_stay_near_their_exemplars_as_far_as_the_scale_says() -> None:
    model = learned(small(capacity=60, likelihood=Gaussian(1e-4)), X, 20, 6)
    with torch.no_grad():
        model.D = nn.Linear(2, 3)
        model.log_variance.fill_(math.log(0.04))
    for scale in (0.5, 1.0):
        x = model.variants(X[:2], 4000, scale=scale, generator=1)
        assert x.shape == (2, 4000, 3)
        z = torch.linalg.lstsq(model.D.weight, (x - model.D.bias).flatten(0, 1).T).solution.T.unflatten(0, (2, 4000))
        torch.testing.assert_close(z.mean(1), model.encode(X[:2]).mean, atol=0.02, rtol=0)
        torch.testing.assert_close(z.std(1), torch.full((2, 2), 0.2 * scale), atol=0.01, rtol=0)
    assert model.wander(X[:2], 3).shape == (3, 2, 3)
    line = model.interpolate(X[:2], X[2:4], steps=4)
    torch.testing.assert_close(line[0], model.reconstruct(X[:2]))


def test_added_exemplars_change_draws_and_no_weight() -> None:
    model = learned(small(capacity=60, likelihood=Gaussian(0.01)), X, 20, 6)
    weights = copy.deepcopy(list(model.parameters()))
    before, prior = draw(model.sample, 400, generator=0), model.log_prob(X[:5] + 4)
    new = X[:60] + 4
    model.add_exemplars(new)
    assert len(model.centres) == 120
    torch.testing.assert_close(model.centres[60:], model.encode(new).mean)
    assert not torch.allclose(before, draw(model.sample, 400, generator=0))
    assert (model.log_prob(X[:5] + 4) != prior).any()
    assert all(torch.equal(a, b) for a, b in zip(weights, model.parameters()))
    assert model.neighbours(new[:3], 1).places[:, 0].tolist() == [60, 61, 62]
    learned(model, X, 20, 4, start=6)  # and it learns on


def test_a_sample_of_the_training_set_is_its_own_nearest_neighbour() -> None:
    model = learned(small(capacity=60), X, 20, 4)
    model.refresh()
    found = model.neighbours(X[[7, 3]], 4)
    assert found.places[:, 0].tolist() == [7, 3]
    assert found.codes.shape == (2, 4, 2)
    with pytest.raises(InputError, match="61 neighbours of 60"):
        model.neighbours(X[:1], 61)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="share 0"):
        small(share=0.0)
    with pytest.raises(InputError, match="6 neighbours of 6"):
        small(k=6)
    with pytest.raises(InputError, match="a batch of 3 samples and 3 neighbours"):
        next(small().updates(Batch(X[:3], index=torch.arange(3))))
    with pytest.raises(InputError, match="index"):
        next(small().updates(Batch(X[:6])))
    with pytest.raises(InputError, match="place 59 of 12"):
        next(small().updates(Batch(X, index=torch.arange(60))))
    with pytest.raises(InputError, match="no exemplars yet"):
        small().sample(1)
    model = learned(small(), X[:12], 12, 1)
    for n, scale in ((0, 1.0), (1, 0.0)):
        with pytest.raises(InputError, match="variants at scale"):
            model.variants(X[:1], n, scale=scale)
    with pytest.raises(InputError, match="k 0"):
        model.log_prob(X, k=0)
    with pytest.raises(InputError, match="whole batch"):
        next(iter(train(small(), repeat(Batch(X[:12], index=torch.arange(12)), 1), adam(small()), accumulate=2)))
