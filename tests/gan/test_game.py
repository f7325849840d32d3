"""The contract for every composition of the game, and its step against hand-written PyTorch, bit for bit."""

import math
from collections.abc import Callable, Iterator
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.optim import Adam, Optimizer

from likeness.core import Method, Terms, Update, train
from likeness.data.batch import Batch
from likeness.errors import InputError
from likeness.gan import GAN, LOSSES, Penalty, gradient_penalty, hinge, non_saturating, r1, r2, relativistic
from likeness.nn import MLP, ConvCritic, ConvGenerator, ResidualCritic, ResidualGenerator, VectorCritic, average
from likeness.sampling import Streams, draw
from likeness.testing import check_method


def players(gan: nn.Module, lr: float = 1e-3) -> dict[nn.Module, Optimizer]:
    return {gan.D: Adam(gan.D.parameters(), lr, (0.5, 0.999)), gan.G: Adam(gan.G.parameters(), lr, (0.5, 0.999))}


def small(classes: int = 0, **options: object) -> GAN:
    labels = torch.ones(classes) if classes else None
    D = VectorCritic(2, width=16, depth=2, classes=classes)
    return GAN(MLP(3, 2, width=16, depth=2, classes=classes), D, d_z=3, labels=labels, **options)  # type: ignore[arg-type]


OPTIONS: dict[str, dict[str, object]] = {
    **{name: {"loss": loss} for name, loss in LOSSES.items()},
    "gradient penalty": {"penalty": Penalty(gradient_penalty, 10.0)},
    "r1 and lazy r2": {"penalty": [Penalty(r1, 0.1), Penalty(r2, 0.1, every=2)], "loss": relativistic},
    "bare function": {"penalty": r1},
    "three critic steps": {"n_critic": 3},
    "smoothed": {"smoothing": 0.1},
    "noise": {"instance_noise": lambda iteration: 1 / (1 + iteration)},
    "clipped": {"clip": 0.05, "loss": LOSSES["wasserstein"]},
    "conditional": {"classes": 4, "penalty": r1},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_contract(options: dict[str, object]) -> None:
    batch = Batch(torch.randn(12, 2), torch.arange(12) % 4)
    loss = options.get("loss", non_saturating)
    shiftless = loss in (hinge, relativistic, LOSSES["wasserstein"])  # within its margins hinge sees differences too
    idle = ["D.head.linear.bias"] if shiftless else []
    check_method(lambda: small(**options), batch, players, steps=6, idle=idle)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("G", "D"), [(ConvGenerator, ConvCritic), (ResidualGenerator, ResidualCritic)], ids=["dcgan", "resnet"]
)
@pytest.mark.parametrize("classes", [0, 3])
def test_contract_on_images(G: type, D: type, classes: int) -> None:
    def build() -> GAN:
        g = G((1, 8, 8), d_z=4, width=4, classes=classes)
        d = D((1, 8, 8), width=4, classes=classes, minibatch_std=True)
        return GAN(g, d, d_z=4, labels=torch.ones(classes) if classes else None)

    check_method(build, Batch(torch.randn(6, 1, 8, 8), torch.arange(6) % 3), players)


def test_contract_with_spectral_normalisation() -> None:
    def build() -> GAN:
        D = VectorCritic(2, width=8, classes=2, spectral=True)
        return GAN(MLP(3, 2, width=8, classes=2), D, d_z=3, labels=torch.ones(2))

    # every evaluation of a piece is one more power iteration
    check_method(build, Batch(torch.randn(12, 2), torch.arange(12) % 2), players, tolerance=1e-2)


def by_hand(G: nn.Module, D: nn.Module, data: list[Tensor], d_z: int, gamma: float) -> None:
    """The loop as anyone would write it: non-saturating loss, R1, the critic first."""
    move_D, move_G = Adam(D.parameters(), 1e-3, (0.5, 0.999)), Adam(G.parameters(), 1e-3, (0.5, 0.999))
    for x in data:
        fake = G(torch.randn(len(x), d_z)).detach()
        real = x.clone().requires_grad_()
        loss = (softplus(-D(x)) + softplus(D(fake))).mean()
        (slope,) = torch.autograd.grad(D(real).sum(), real, create_graph=True)
        loss = loss + (gamma * (0.5 * slope.flatten(1).square().sum(1))).mean()
        move_D.zero_grad()
        loss.backward()
        move_D.step()
        loss = softplus(-D(G(torch.randn(len(x), d_z)))).mean()
        move_G.zero_grad()
        loss.backward()
        move_G.step()


def networks(kind: str) -> tuple[nn.Module, nn.Module, tuple[int, ...]]:
    torch.manual_seed(5)
    if kind == "vector":
        return MLP(3, 2, width=32), VectorCritic(2, width=32), (2,)
    return ConvGenerator((1, 16, 16), d_z=3, width=8), ConvCritic((1, 16, 16), width=8, minibatch_std=True), (1, 16, 16)


@pytest.mark.parametrize("kind", ["vector", "image"])
def test_steps_are_those_of_a_hand_written_loop_bit_for_bit(kind: str) -> None:
    G, D, event = networks(kind)
    data = [torch.randn(16, *event) for _ in range(8)]
    torch.manual_seed(1)
    by_hand(G, D, data, 3, gamma=0.1)
    G2, D2, _ = networks(kind)
    gan = GAN(G2, D2, d_z=3, penalty=Penalty(r1, 0.1))
    torch.manual_seed(1)
    for _ in train(gan, [Batch(x) for x in data], players(gan)):
        pass
    for a, b in zip(
        [*G.state_dict().values(), *D.state_dict().values()],
        [*G2.state_dict().values(), *D2.state_dict().values()],
        strict=True,
    ):
        assert torch.equal(a, b)


def test_the_generator_moves_after_n_critic_moves_of_the_critic() -> None:
    gan = small(n_critic=3)
    terms = [set(step.terms) for step in train(gan, [Batch(torch.randn(4, 2))] * 6, players(gan))]
    assert terms == [{"critic"}, {"critic"}, {"critic", "generator"}] * 2


def test_a_lazy_penalty_comes_every_kth_move_and_k_times_as_strong() -> None:
    gan = small(penalty=Penalty(r1, 0.3, every=4))
    steps = [step.terms for step in train(gan, [Batch(torch.randn(4, 2))] * 8, players(gan, lr=0.0))]
    always = small(penalty=Penalty(r1, 0.3))
    always.load_state_dict(gan.state_dict())
    assert ["r1" in t for t in steps] == [True, False, False, False] * 2
    x = torch.randn(4, 2)
    lazy, each = gan.penalties[0](gan.D, x, x), always.penalties[0](gan.D, x, x)
    torch.testing.assert_close(lazy, 4 * each)


def test_clipping_bounds_the_critic_alone() -> None:
    gan = small(clip=0.02)
    for _ in train(gan, [Batch(torch.randn(4, 2))] * 2, players(gan)):
        pass
    assert max(p.abs().max() for p in gan.D.parameters()) <= 0.02
    assert max(p.abs().max() for p in gan.G.parameters()) > 0.02


def test_instance_noise_reaches_the_critic_in_training_only() -> None:
    seen: list[Tensor] = []
    gan = small(instance_noise=0.5)
    gan.D.register_forward_pre_hook(lambda module, x: seen.append(x[0].detach()))
    zeros = Batch(torch.zeros(4000, 2))
    for _ in train(gan, [zeros], players(gan)):
        pass
    assert abs(seen[0].std() - 0.5) < 0.02
    gan.instance_noise = lambda iteration: 0.0
    assert torch.equal(gan._noisy(zeros.x), zeros.x)
    assert torch.equal(gan.sample(3, generator=0), gan.decode(gan.prior(3, Streams(0))))


@pytest.mark.parametrize("d_z", [1, 256])
def test_the_latent_size_need_not_be_that_of_the_data(d_z: int) -> None:
    gan = GAN(MLP(d_z, 2), VectorCritic(2), d_z=d_z)
    for step in train(gan, [Batch(torch.randn(8, 2))], players(gan)):
        assert all(t.isfinite() for t in step.terms.values())
    assert gan.sample(5).shape == (5, 2)


def test_the_generator_learns_only_through_the_critic() -> None:
    """Every parameter of G has a gradient where D has a slope, and none where D is flat."""
    gan = small()
    x = torch.randn(32, 2)
    flat = partial(_generator_gradients, gan, x)
    assert all(g.abs().sum() > 0 for g in flat())
    nn.init.zeros_(gan.D.head.linear.weight)
    assert all(g.abs().sum() == 0 for g in flat())


def _generator_gradients(gan: GAN, x: Tensor) -> tuple[Tensor, ...]:
    (loss,) = gan.generator_terms(gan.prior(32), x, {}).values()
    return torch.autograd.grad(loss, list(gan.G.parameters()))


def test_labels_follow_their_frequencies_and_their_sample() -> None:
    class Tell(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.zeros(1))

        def forward(self, z: Tensor, y: Tensor) -> Tensor:
            return y[:, None].float()

    gan = GAN(Tell(), VectorCritic(1, classes=3), d_z=2, labels=torch.tensor([5.0, 0.0, 15.0]))
    y = draw(gan.sample, 4000, generator=1, batch_size=4000).flatten()
    share = torch.bincount(y.long(), minlength=3) / 4000
    torch.testing.assert_close(share, torch.tensor([0.25, 0.0, 0.75]), atol=0.03, rtol=0)
    assert torch.equal(y, draw(gan.sample, 4000, generator=1, batch_size=999).flatten())
    assert gan.sample(2, y=torch.tensor([1, 1])).eq(1).all()


def test_samples_of_a_batch_normalised_generator_do_not_depend_on_the_batch_and_leave_it_as_it_was() -> None:
    gan = GAN(ConvGenerator((1, 8, 8), d_z=4, width=4), ConvCritic((1, 8, 8), width=4), d_z=4).train()
    before = {k: v.clone() for k, v in gan.state_dict().items()}
    x = draw(gan.sample, 9, generator=2, batch_size=9)
    torch.testing.assert_close(x, draw(gan.sample, 9, generator=2, batch_size=2), atol=1e-5, rtol=0)
    assert gan.G.training
    assert gan.G.body[0].training
    assert all(torch.equal(v, before[k]) for k, v in gan.state_dict().items())


def test_drawing_from_the_average_leaves_the_game_alone() -> None:
    gan = small()
    ema = average(gan.G, 0.9)
    for _ in train(gan, [Batch(torch.randn(8, 2))] * 5, players(gan, 0.1)):
        ema.update(gan.G)
    shadow = gan.with_generator(ema.module)
    assert shadow.D is gan.D
    assert gan.G is not ema.module
    z = torch.randn(3, 3)
    assert torch.equal(shadow.decode(z), ema.module(z))
    assert not torch.allclose(shadow.decode(z), gan.decode(z))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: small(n_critic=0), "n_critic 0"),
        (lambda: small(clip=-1.0), "clip -1.0"),
        (lambda: small(smoothing=0.7), "0.7"),
        (lambda: small(smoothing=0.1, loss=hinge), "smoothing is defined"),
        (lambda: small(penalty=Penalty(r1, -1.0)), "weight -1.0"),
        (lambda: GAN(MLP(1, 1), VectorCritic(1), d_z=1, labels=torch.tensor([-1.0, 2.0])), "frequencies"),
    ],
)
def test_bad_numbers_are_refused(build: Callable[[], GAN], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build()


def test_a_conditional_game_wants_labels() -> None:
    gan = small(classes=4, loss=non_saturating)
    with pytest.raises(InputError, match="labelled data"):
        next(gan.updates(Batch(torch.randn(4, 2))))


class SameNoise(Method):
    """A game with other moves: two of the critic with weights on its fakes, then two of G on the noise of the last."""

    def __init__(self) -> None:
        super().__init__()
        weighted = LOSSES["wasserstein"]._replace(critic=lambda r, f: (len(f) * f.softmax(0)).detach() * f - r)
        self.game = small(loss=weighted, penalty=Penalty(gradient_penalty, 5.0))

    def updates(self, batch: Batch) -> Iterator[Update]:
        for k in range(2):
            z = self.game.prior(len(batch.x))
            fake = self.game.G(z)
            yield self.game.D, lambda: _numbered(self.game.critic_terms(self.game.D, batch.x, fake, {}), k)  # noqa: B023
        for k in range(2):
            yield self.game.G, lambda: _numbered(self.game.generator_terms(z, batch.x, {}), k)  # noqa: B023


def _numbered(terms: Terms, k: int) -> Terms:
    return {f"{name} {k}": term for name, term in terms.items()}


def test_the_parts_of_the_game_make_other_games() -> None:
    """Several moves of each player on one batch, noise used again, weights on samples: all without touching GAN."""
    idle = ["game.D.head.linear.bias"]
    check_method(SameNoise, Batch(torch.randn(8, 2)), lambda m: players(m.game), idle=idle)


@pytest.mark.slow
def test_the_ring_of_eight_is_learned_by_two_seeds_of_three() -> None:
    angles = torch.arange(8) * (math.pi / 4)
    modes = 2 * torch.stack((angles.cos(), angles.sin()), dim=1)
    good = 0
    for seed in range(3):
        torch.manual_seed(seed)
        gan = GAN(MLP(2, 2, depth=2), VectorCritic(2, depth=2), d_z=2)
        moves = players(gan, 2e-3)
        data = (Batch(modes[torch.randint(8, (256,))] + 0.02 * torch.randn(256, 2)) for _ in range(1500))
        for step in train(gan, data, moves):
            for move in moves.values():
                move.param_groups[0]["lr"] = 2e-3 * (1 - step.iteration / 1500)
        distance, mode = torch.cdist(gan.sample(2000, generator=0), modes).min(1)
        near = distance < 3 * 0.02
        good += bool(near.float().mean() > 0.6 and len(mode[near].unique()) >= 6)
    assert good >= 2
