"""The loop holds every shape of method that the library is built for, and changes nothing of what it wraps."""

import copy
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, grad
from torch.optim import LBFGS, SGD, Adam, Optimizer

from likeness.core import Method, Update, learn, train
from likeness.data.batch import Batch
from likeness.errors import InputError
from likeness.ranks import ends_batch, gather, noise_like, per_sample
from likeness.testing import check_method


def mlp(*sizes: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for a, b in pairwise(sizes):
        layers += [nn.Linear(a, b), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def batch(n: int = 16) -> Batch:
    g = torch.Generator().manual_seed(5)
    return Batch(torch.randn(n, 2, generator=g), torch.randint(3, (n,), generator=g))


class Regression(Method):
    """One loss."""

    def __init__(self) -> None:
        super().__init__()
        self.net = mlp(2, 8, 2)

    def updates(self, batch: Batch) -> Iterator[Update]:
        noise = 0.1 * noise_like(batch.x)
        yield self.net, lambda: {"error": (self.net(batch.x + noise) - batch.x).square().mean()}


class Game(Method):
    """Two players in turn."""

    def __init__(self) -> None:
        super().__init__()
        self.G, self.D = mlp(3, 8, 2), mlp(2, 8, 1)

    def updates(self, batch: Batch) -> Iterator[Update]:
        fake = self.G(per_sample(len(batch.x), lambda n: torch.randn(n, 3)))
        yield (
            self.D,
            lambda: {"real": F.softplus(-self.D(batch.x)).mean(), "fake": F.softplus(self.D(fake)).mean()},
        )
        z = per_sample(len(batch.x), lambda n: torch.randn(n, 3))
        yield self.G, lambda: {"generator": F.softplus(-self.D(self.G(z))).mean()}


class Inner(Method):
    """Differentiates through an update of another network (commentaries, MAML): w learns to weight a student's loss."""

    def __init__(self) -> None:
        super().__init__()
        self.student, self.teacher = mlp(2, 8, 3), mlp(2, 8, 1)

    def updates(self, batch: Batch) -> Iterator[Update]:
        x, y = gather(batch.x), gather(batch.y)  # an inner step belongs to the whole batch

        def loss(params: dict[str, Tensor]) -> Tensor:
            each = F.cross_entropy(functional_call(self.student, params, (x,)), y, reduction="none")
            return (each * torch.sigmoid(self.teacher(x)[:, 0])).mean()

        def after() -> dict[str, Tensor]:
            params = dict(self.student.named_parameters())
            slopes = grad(loss)(params)
            moved = {k: p - 0.5 * slopes[k] for k, p in params.items()}
            return {"outer": F.cross_entropy(functional_call(self.student, moved, (x,)), y)}

        yield self.teacher, after
        yield self.student, lambda: {"inner": loss(dict(self.student.named_parameters()))}


class Energy(Method):
    """Draws its negatives by a chain that differentiates the energy by its input."""

    def __init__(self) -> None:
        super().__init__()
        self.E = mlp(2, 16, 1)

    def updates(self, batch: Batch) -> Iterator[Update]:
        x = batch.x
        for _ in range(5):
            x = x - 0.1 * grad(lambda x: self.E(x).sum())(x) + 0.05 * noise_like(x)

        def contrast() -> dict[str, Tensor]:
            positive, negative = self.E(batch.x), self.E(x)
            return {"contrast": (positive - negative).mean(), "size": (positive.square() + negative.square()).mean()}

        yield self.E, contrast


class Teacher(Method):
    """A student follows a slow copy of itself, which moves in the body after the student has."""

    def __init__(self) -> None:
        super().__init__()
        self.student = mlp(2, 8, 4)
        self.teacher = copy.deepcopy(self.student)

    def updates(self, batch: Batch) -> Iterator[Update]:
        target = self.teacher(batch.x + 0.1 * noise_like(batch.x))
        yield self.student, lambda: {"distance": (self.student(batch.x) - target).square().sum(1).mean()}
        if ends_batch():
            for slow, fast in zip(self.teacher.parameters(), self.student.parameters()):
                slow.lerp_(fast, 0.1)


class SAM(Optimizer):
    """Evaluates the loss a second time at the worst point nearby, as sharpness-aware minimisation does."""

    def __init__(self, params: Any, rho: float = 0.05, lr: float = 0.1) -> None:
        super().__init__(params, {"rho": rho, "lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor]) -> Tensor:  # type: ignore[override]
        loss = closure()
        group = self.param_groups[0]
        moving = [p for p in group["params"] if p.grad is not None]
        norm = torch.stack([p.grad.norm() for p in moving]).norm()
        climbs = [group["rho"] * p.grad / (norm + 1e-12) for p in moving]
        for p, climb in zip(moving, climbs):
            p.add_(climb)
        closure()
        for p, climb in zip(moving, climbs):
            p.sub_(climb).sub_(group["lr"] * p.grad)
        return loss


def players(method: Method) -> dict[nn.Module, Optimizer]:
    return {player: Adam(player.parameters(), 1e-2, betas=(0.5, 0.9)) for player in method.children()}


@pytest.mark.parametrize("kind", [Regression, Game, Inner, Energy, Teacher])
def test_contract_holds_for_every_shape_of_method(kind: type[Method]) -> None:
    check_method(kind, batch(), players)


def test_contract_holds_for_an_optimiser_that_evaluates_twice() -> None:
    check_method(Regression, batch(), lambda m: SAM(m.parameters()))


def test_sam_without_a_radius_is_gradient_descent() -> None:
    a, b = Regression(), Regression()
    b.load_state_dict(a.state_dict())
    for method, optimiser in ((a, SAM(a.parameters(), rho=0.0)), (b, SGD(b.parameters(), 0.1))):
        torch.manual_seed(0)
        for _ in train(method, [batch()] * 5, optimiser):
            pass
    for p, q in zip(a.parameters(), b.parameters()):
        torch.testing.assert_close(p, q)


def test_lbfgs_sees_one_objective_through_its_line_search() -> None:
    method = Regression()
    losses = [s.terms["error"] for s in train(method, [batch()] * 3, LBFGS(method.parameters(), max_iter=20))]
    assert losses[-1] < 0.5 * losses[0]


def test_one_loss_is_bit_identical_to_a_hand_written_loop() -> None:
    ours, theirs = Regression(), Regression()
    theirs.load_state_dict(ours.state_dict())
    torch.manual_seed(3)
    for _ in train(ours, [batch()] * 20, Adam(ours.parameters(), 1e-2)):
        pass
    torch.manual_seed(3)
    optimiser, x = Adam(theirs.parameters(), 1e-2), batch().x
    for _ in range(20):
        noise = 0.1 * noise_like(x)
        optimiser.zero_grad()
        (theirs.net(x + noise) - x).square().mean().backward()
        optimiser.step()
    assert all(torch.equal(p, q) for p, q in zip(ours.parameters(), theirs.parameters()))


def test_a_game_is_bit_identical_to_a_hand_written_loop() -> None:
    ours, theirs = Game(), Game()
    theirs.load_state_dict(ours.state_dict())
    torch.manual_seed(3)
    for _ in train(ours, [batch()] * 20, players(ours)):
        pass
    torch.manual_seed(3)
    optimisers, x = players(theirs), batch().x
    G, D = theirs.G, theirs.D
    for _ in range(20):
        fake = G(torch.randn(len(x), 3)).detach()
        optimisers[D].zero_grad()
        (F.softplus(-D(x)).mean() + F.softplus(D(fake)).mean()).backward()
        optimisers[D].step()
        optimisers[G].zero_grad()
        F.softplus(-D(G(torch.randn(len(x), 3)))).mean().backward()
        optimisers[G].step()
    assert all(torch.equal(p, q) for p, q in zip(ours.parameters(), theirs.parameters()))


def test_the_inner_update_reaches_the_outer_player() -> None:
    method, b = Inner(), batch()
    terms = [s.terms for s in train(method, [b] * 60, players(method))]
    assert terms[-1]["outer"] < terms[0]["outer"]


def test_steps_are_counted_once_whatever_the_number_of_players() -> None:
    method = Game()
    assert [s.iteration for s in train(method, [batch()] * 3, players(method))] == [1, 2, 3]
    other = Game()
    other.load_state_dict(method.state_dict())
    assert other.iteration == 3


def test_gradients_are_shown_before_the_player_moves() -> None:
    method, seen = Regression(), []

    def clip(player: nn.Module) -> None:
        seen.append(player)
        for p in player.parameters():
            p.grad.zero_()

    before = copy.deepcopy(method.state_dict())
    learn(method, batch(), SGD(method.parameters(), 1.0), clip)
    assert seen == [method.net]
    assert all(torch.equal(v, method.state_dict()[k]) for k, v in before.items() if k.startswith("net"))


def test_a_player_without_an_optimiser_is_named() -> None:
    game = Game()
    with pytest.raises(InputError, match="no optimiser for the player Sequential"):
        learn(game, batch(), {game.G: Adam(game.G.parameters())})


def test_an_objective_that_forgets_its_player_is_refused() -> None:
    class Lost(Regression):
        def updates(self, batch: Batch) -> Iterator[Update]:
            constant = self.net(batch.x).mean()
            yield self.net, lambda: {"error": constant}

    method = Lost()
    with pytest.raises(InputError, match="do not depend on any parameter"):
        learn(method, batch(), Adam(method.parameters()))


def test_two_terms_of_one_name_are_refused() -> None:
    class Twice(Game):
        def updates(self, batch: Batch) -> Iterator[Update]:
            yield self.D, lambda: {"loss": self.D(batch.x).mean()}
            yield self.D, lambda: {"loss": self.D(batch.x).mean()}

    method = Twice()
    with pytest.raises(InputError, match="both name a term 'loss'"):
        learn(method, batch(), players(method))


def test_training_leaves_gradients_on_for_the_caller() -> None:
    method = Regression()
    for _ in train(method, [batch()] * 2, Adam(method.parameters())):
        assert torch.is_grad_enabled()
    assert torch.is_grad_enabled()
