"""MADE: the contract, a density that integrates to one, a known factorisation, and draws that agree with it."""

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from likeness.core import Method, train
from likeness.data.batch import Batch
from likeness.data.toys import TOYS
from likeness.density.conditionals import Binary, Conditional, Gaussians
from likeness.density.likelihoods import binarised
from likeness.density.logistics import Logistics
from likeness.density.made import MADE
from likeness.errors import InputError
from likeness.nn.masked import MaskedMLP
from likeness.sampling import draw
from likeness.testing import check_method


def small(conditional: Conditional, event: tuple[int, ...] = (3,), classes: int = 0, **given: object) -> MADE:
    d = int(torch.tensor(event).prod())
    net = MaskedMLP(d, conditional.outputs, width=32, classes=classes, order=list(reversed(range(d))))
    return MADE(net, conditional, event, labels=torch.tensor([1.0, 3.0]) if classes else None, **given)


def adam(method: Method) -> Optimizer:
    return Adam(method.parameters(), 1e-3)


@pytest.mark.parametrize(
    ("build", "event"),
    [
        (lambda: small(Gaussians(2), noise=0.1), (3,)),
        (lambda: small(Gaussians(2), classes=2), (3,)),
        (lambda: small(Binary(), (1, 2, 3), observe=binarised), (1, 2, 3)),
        (lambda: small(Logistics(1, 16, 2), (2, 2, 2)), (2, 2, 2)),
    ],
    ids=["vectors", "classes", "binary images", "colours one by one"],
)
def test_contract(build, event: tuple) -> None:
    x = torch.randint(16, (8, *event), generator=torch.Generator().manual_seed(0)) / 7.5 - 1
    check_method(build, Batch(x, torch.arange(8) % 2), adam)


def trained(name: str, steps: int) -> MADE:
    torch.manual_seed(0)
    made = MADE(MaskedMLP(2, Gaussians(8).outputs, width=64), Gaussians(8), (2,))
    x = TOYS[name].make().sample(steps * 256, generator=0)
    for _ in train(made, [Batch(part) for part in x.split(256)], Adam(made.parameters(), 5e-3)):
        pass
    return made.eval()


def test_its_density_integrates_to_one_and_lies_between_a_gaussian_and_the_truth() -> None:
    made, truth = trained("moons", 250), TOYS["moons"].make()
    side = torch.arange(-6, 6, 0.03) + 0.015
    with torch.no_grad():
        grid = torch.cartesian_prod(side, side)
        total = sum(float(made.log_prob(part).double().exp().sum()) for part in grid.split(8192)) * 0.03**2
        assert total == pytest.approx(1, abs=1e-3)
        x = truth.sample(4000, generator=7)
        gauss = torch.distributions.MultivariateNormal(x.mean(0), x.T.cov()).log_prob(x).mean()
        assert gauss + 0.25 < made.log_prob(x).mean() < truth.log_prob(x).mean()
        drawn = draw(made.sample, 4000, generator=0)
        assert abs(float(made.log_prob(drawn).mean() - made.log_prob(x).mean())) < 0.15
    assert (drawn.mean(0) - x.mean(0)).abs().max() < 0.06
    assert (drawn.T.cov() - x.T.cov()).abs().max() < 0.08


class Known(nn.Module):
    """x₀ is 1 with probability a, x₁ with probability b or c as x₀ is 1 or 0."""

    order = (0, 1)

    def forward(self, x: Tensor) -> Tensor:
        a, b, c = (torch.tensor(p).logit() for p in (0.3, 0.9, 0.2))
        return torch.stack((a.expand(len(x)), torch.where(x[:, 0] == 1, b, c)), 1)[:, None]


def test_it_is_the_known_factorisation() -> None:
    made = small(Binary(low=0.0), (2,))
    made.net = Known()
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    expected = torch.tensor([0.7 * 0.8, 0.7 * 0.2, 0.3 * 0.1, 0.3 * 0.9])
    torch.testing.assert_close(made.log_prob(x).exp(), expected)
    index = (draw(made.sample, 20_000, generator=0) * torch.tensor([2.0, 1.0])).sum(1).long()
    torch.testing.assert_close(torch.bincount(index, minlength=4) / 20_000, expected, atol=0.015, rtol=0)


def test_a_linear_gaussian_chain_is_learned_as_it_is() -> None:
    """x₂ = x₁ / 2 + noise: the conditional density is known."""
    torch.manual_seed(0)
    made = MADE(MaskedMLP(2, 3, width=32, depth=1), Gaussians(1), (2,))
    a = 4 + 2 * torch.randn(400 * 256)
    x = torch.stack((a, a / 2 + 0.5 * torch.randn(len(a))), 1)
    for _ in train(made, [Batch(part) for part in x.split(256)], Adam(made.parameters(), 5e-3)):
        pass
    first, second = torch.distributions.Normal(4.0, 2.0), torch.distributions.Normal(x[:2000, 0] / 2, 0.5)
    expected = first.log_prob(x[:2000, 0]) + second.log_prob(x[:2000, 1])
    assert (made.log_prob(x[:2000]) - expected).abs().mean().item() < 0.06


def test_four_binary_entries_are_drawn_as_often_as_is_stated() -> None:
    made, n = small(Binary(), (4,)).eval(), 30_000
    with torch.no_grad():
        for p in made.parameters():
            p.mul_(3)
    every = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * 4)
    p = made.log_prob(every).detach().exp()
    assert float(p.sum()) == pytest.approx(1, abs=1e-5)
    index = ((draw(made.sample, n, generator=1) > 0).long() * torch.tensor([8, 4, 2, 1])).sum(1)
    assert ((torch.bincount(index, minlength=16) / n - p).abs() <= 5 * (p / n).sqrt() + 1e-4).all()


def test_without_labels_the_probability_is_the_sum_over_classes() -> None:
    made, x = small(Gaussians(2), classes=2), torch.randn(5, 3)
    each = torch.stack([made.log_prob(x, torch.full((5,), c)) for c in (0, 1)])
    expected = torch.logsumexp(each + torch.tensor([0.25, 0.75]).log()[:, None], 0)
    torch.testing.assert_close(made.log_prob(x), expected)


def test_units_are_part_of_the_density() -> None:
    x, made = 5 + 3 * torch.randn(400, 3), small(Gaussians(2))
    next(iter(made.updates(Batch(x))))
    there = small(Gaussians(2))
    there.net.load_state_dict(made.net.state_dict())
    z = (x - made.mean) / made.std
    torch.testing.assert_close(made.log_prob(x), there.log_prob(z) - made.std.log().sum())
    assert made.levels is None
    assert small(Binary()).levels == 2


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="noise -1"):
        small(Gaussians(2), noise=-1.0)
    with pytest.raises(InputError, match=r"noise 0\.1"):
        small(Binary(), noise=0.1)
    with pytest.raises(InputError, match="are not all -1 or 1"):
        next(small(Binary()).updates(Batch(torch.rand(4, 3))))
    with pytest.raises(InputError, match="conditional on labels"):
        next(small(Gaussians(2), classes=2).updates(Batch(torch.rand(4, 3))))
