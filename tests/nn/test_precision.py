"""bfloat16 stays inside a network: what leaves it is float32, and gradients of gradients go through it."""

import copy
from collections.abc import Callable, Iterable

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.optim import Adam, Optimizer

from likeness.core import learn
from likeness.data.batch import Batch
from likeness.gan import GAN, Penalty, gradient_penalty, r1, unrolled
from likeness.lockstep import lockstep
from likeness.nn import MLP, ConvCritic, ConvGenerator, ResidualCritic, ResidualGenerator, VectorCritic, average
from likeness.nn.precision import lower
from likeness.ranks import world
from likeness.testing import check_method

NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "perceptron": (lambda: MLP(3, 2, width=16), (3,)),
    "critic": (lambda: VectorCritic(2, width=16, minibatch_std=True), (2,)),
    "generator of images": (lambda: ConvGenerator((1, 8, 8), d_z=4, width=8), (4,)),
    "critic of images": (lambda: ConvCritic((1, 8, 8), width=8, minibatch_std=True), (1, 8, 8)),
    "spectral critic": (lambda: ConvCritic((1, 8, 8), width=8, spectral=True), (1, 8, 8)),
    "residual generator": (lambda: ResidualGenerator((1, 8, 8), d_z=4, width=8), (4,)),
    "residual critic": (lambda: ResidualCritic((1, 8, 8), width=8, minibatch_std=True), (1, 8, 8)),
}


def lowered(network: nn.Module) -> nn.Module:
    lower(network)
    return network


@pytest.mark.parametrize("kind", NETWORKS)
def test_inside_bfloat16_outside_float32(kind: str) -> None:
    build, shape = NETWORKS[kind]
    exact = build()
    network, kinds, x = lowered(copy.deepcopy(exact)), set(), torch.randn(16, *shape)
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            layer.register_forward_hook(lambda _layer, _x, y: kinds.add(y.dtype))
    for mode in (True, False):
        y, expected = network.train(mode)(x), exact.train(mode)(x)
        assert y.dtype == torch.float32
        assert kinds == {torch.bfloat16}
        assert not torch.equal(y, expected)
        assert (y - expected).norm() < 0.05 * expected.norm() + 0.01
    assert all(t.dtype == torch.float32 for t in network.state_dict().values() if t.is_floating_point())


def test_what_a_network_returns_may_be_nested() -> None:
    class Pair(nn.Linear):
        def forward(self, x: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
            y = super().forward(x)
            return {"both": (y, y.argmax(1))}

    first, second = lowered(Pair(3, 2))(torch.randn(4, 3))["both"]
    assert (first.dtype, second.dtype) == (torch.float32, torch.int64)


def test_copies_are_lowered_and_it_stays_what_it_was() -> None:
    network = lowered(MLP(3, 2))
    x = torch.randn(5, 3)
    assert isinstance(network, MLP)
    assert type(network).__name__ == "MLP"
    assert torch.equal(copy.deepcopy(network)(x), network(x))
    assert torch.equal(average(network).module(x), network(x)), "averages of weights compute in the same way"


def test_state_goes_to_and_from_a_network_in_full_precision() -> None:
    exact, network = MLP(3, 2), lowered(MLP(3, 2))
    assert list(exact.state_dict()) == list(network.state_dict())
    network.load_state_dict(exact.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(exact.parameters(), network.parameters(), strict=True))


def test_other_parameters_may_take_the_place_of_its_own() -> None:
    a, b, x = lowered(MLP(3, 2)), lowered(MLP(3, 2)), torch.randn(5, 3)
    assert torch.equal(functional_call(a, dict(b.named_parameters()), (x,)), b(x))


# Methods that differentiate twice.


def game(event: tuple[int, ...], **options: object) -> GAN:
    torch.manual_seed(0)
    if len(event) == 1:
        return GAN(MLP(4, *event, width=64), VectorCritic(*event, width=64), d_z=4, **options)  # type: ignore[arg-type]
    G, D = ConvGenerator(event, d_z=4, width=16), ConvCritic(event, width=16, minibatch_std=True)
    return GAN(G, D, d_z=4, **options)  # type: ignore[arg-type]


def low(gan: GAN) -> GAN:
    lower(gan.G)
    lower(gan.D)
    return gan


def players(gan: nn.Module) -> dict[nn.Module, Optimizer]:
    return {player: Adam(player.parameters(), 1e-3, (0.5, 0.99)) for player in (gan.D, gan.G)}


def flat(tensors: Iterable[Tensor]) -> Tensor:
    return torch.cat([t.flatten() for t in tensors])


def gradients(gan: GAN, batch: Batch, term: str) -> Tensor:
    """Of one term alone, for the player whose it is."""
    torch.manual_seed(1)
    for player, objective in gan.updates(batch):
        terms = objective()
        if term in terms:
            assert all(t.dtype == torch.float32 for t in terms.values()), "losses keep their digits"
            return flat(torch.autograd.grad(terms[term], list(player.parameters()), materialize_grads=True))
    raise AssertionError(term)


TWICE = {
    "r1": {"penalty": Penalty(r1, 0.1)},
    "gradient_penalty": {"penalty": Penalty(gradient_penalty, 10.0)},
    "generator": {"opponent": unrolled(2, eta=0.1)},
}


@pytest.mark.parametrize("event", [(2,), (1, 8, 8)])
@pytest.mark.parametrize("term", TWICE)
def test_gradients_of_gradients_point_where_the_exact_ones_do(event: tuple[int, ...], term: str) -> None:
    gan = game(event, **TWICE[term])
    batch = Batch(torch.randn(64, *event).clamp(-1, 1))
    moves = players(gan)
    for _ in range(20):  # a critic at its first weights says nothing that has a slope
        learn(gan, batch, moves)
    expected = gradients(copy.deepcopy(gan), batch, term)
    found = gradients(low(copy.deepcopy(gan)), batch, term)
    assert found.isfinite().all()
    assert not torch.equal(found, expected)
    assert torch.cosine_similarity(found, expected, 0) > 0.99
    assert found.norm() == pytest.approx(float(expected.norm()), rel=0.05)


@pytest.mark.parametrize("event", [(2,), (1, 8, 8)])
@pytest.mark.parametrize("options", TWICE.values(), ids=TWICE)
def test_a_lowered_game_keeps_the_contract(event: tuple[int, ...], options: dict[str, object]) -> None:
    batch = Batch(torch.randn(16, *event).clamp(-1, 1))
    check_method(lambda: low(game(event, **options)), batch, players, tolerance=0.05)


def test_two_processes_take_the_step_of_one() -> None:
    batch, options = Batch(torch.randn(16, 2)), {"penalty": Penalty(r1, 0.1), "opponent": unrolled(2, eta=0.1)}
    gans = [low(game((2,), **options)) for _ in range(3)]

    def play(rank: int) -> None:
        part = world().part(16)
        step(gans[rank], Batch(batch.x[part.start : part.start + part.n]))

    def step(gan: GAN, batch: Batch) -> None:
        moves = players(gan)
        torch.manual_seed(1)
        for _ in range(3):
            learn(gan, batch, moves)

    lockstep(2, play)
    step(gans[2], batch)
    first = flat(game((2,), **options).parameters())
    one, other, whole = (flat(gan.parameters()) for gan in gans)
    assert torch.equal(one, other)
    assert (one - whole).norm() < 0.1 * (whole - first).norm()


@pytest.mark.slow
def test_a_grid_is_learned_as_well() -> None:
    """The share of draws near a mode of 25, after the same steps from the same weights."""
    from likeness.data import batches, load

    data = load("grid25")
    shares = []
    for prepare in (lambda gan: gan, low):
        torch.manual_seed(0)
        gan = GAN(MLP(8, 2), VectorCritic(2), d_z=8, penalty=Penalty(r1, 0.1))
        prepare(gan)
        moves, ema = players(gan), average(gan.G, 0.99)
        for batch in batches(data.train, 256, steps=1200):
            learn(gan, batch, moves)
            ema.update(gan.G)
        x = gan.with_generator(ema.module).sample(2000, generator=0)
        near = torch.cdist(x, data.truth.modes).min(1)
        hits = near.values < 4 * data.truth.std
        shares.append((float(hits.float().mean()), len(near.indices[hits].unique())))
    (share, modes), (low_share, low_modes) = shares
    assert modes >= 20, shares
    assert low_share > share - 0.1, shares
    assert low_modes >= modes - 2, shares
