"""Learned noise against probabilities that are known: never above, tighter than uniform noise, as which it begins."""

import math
from itertools import product

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal
from torch.func import jacrev
from torch.optim import Adam

from likeness.bits import bits_per_dim
from likeness.core import train
from likeness.data.batch import Batch
from likeness.density.dequantisation import Uniform, Variational, rounded_log_prob
from likeness.density.glow import Glow
from likeness.errors import InputError
from likeness.sampling import Streams
from likeness.testing import check_method

EVENT, LEVELS = (1, 2, 2), 4
WIDTH = 2 / (LEVELS - 1)
PRIOR = Normal(0.2, 0.25)  # narrower than a level, so that uniform noise wastes much
IMAGES = (torch.tensor(list(product(range(LEVELS), repeat=4))) * WIDTH - 1).reshape(-1, *EVENT)


def density(x: Tensor) -> Tensor:
    return PRIOR.log_prob(x).flatten(1).sum(1)


def probability(x: Tensor) -> Tensor:
    """log P(x), the integral over each cell."""
    a, b = x.double() - WIDTH / 2, x.double() + WIDTH / 2
    wide = Normal(torch.tensor(0.2).double(), torch.tensor(0.25).double())
    return (wide.cdf(b) - wide.cdf(a)).log().flatten(1).sum(1).float()


def stirred(event: tuple[int, int, int] = EVENT, levels: int = LEVELS) -> Variational:
    made = Variational(event, levels=levels, width=8)
    with torch.no_grad():
        for p in made.parameters():
            p.add_(0.1 * torch.randn_like(p))
    return made


def test_it_begins_as_uniform_noise() -> None:
    x, v = IMAGES[:50], torch.rand(50, *EVENT)
    u, log_r = Variational(EVENT, levels=LEVELS)(x, v)
    same, none = Uniform(WIDTH)(x, v)
    torch.testing.assert_close(u, same, atol=1e-5, rtol=0)
    torch.testing.assert_close(log_r, none, atol=1e-5, rtol=0)
    assert (none == 0).all()


def test_it_is_invertible_stays_within_the_level_and_its_density_is_that_of_the_jacobian() -> None:
    made, x, v = stirred((2, 4, 2), 17), torch.randint(17, (6, 2, 4, 2)) / 8 - 1, torch.rand(6, 2, 4, 2) * 0.96 + 0.02
    u, log_r = made(x, v)
    assert u.abs().max() < made.width / 2
    assert (made.inverse(x, u) - v).abs().max() < 1e-5
    for one, noise, told in zip(x, v, log_r):
        J = jacrev(lambda w, one=one: made(one[None], w[None])[0][0] / made.width)(noise).reshape(16, 16)
        torch.testing.assert_close(told, -torch.linalg.slogdet(J)[1], atol=1e-3, rtol=1e-4)


def estimates(noise: torch.nn.Module, x: Tensor, k: int, times: int) -> Tensor:
    with torch.no_grad():
        each = rounded_log_prob(density, noise, x.repeat(times, 1, 1, 1), k=k, source=Streams(0))
    return each.reshape(times, len(x))


def test_any_noise_gives_the_probability_on_average() -> None:
    x = IMAGES[[85, 170, 106, 150]]
    for noise in (Uniform(WIDTH), stirred()):
        found = (estimates(noise, x, 1, 4000) - probability(x)).exp()
        error = 4 * found.std(0) / 4000**0.5
        assert ((found.mean(0) - 1).abs() < error).all()


def test_learned_noise_is_tighter_than_uniform_and_never_above_the_probability() -> None:
    torch.manual_seed(0)
    made = Variational(EVENT, levels=LEVELS, width=16)
    weights = probability(IMAGES).exp()  # images as they occur
    moves = Adam(made.parameters(), 5e-3)
    for _ in range(400):
        x = IMAGES[torch.multinomial(weights, 128, replacement=True)]
        u, log_r = made(x, torch.rand(128, *EVENT))
        moves.zero_grad()
        (log_r - density(x + u)).mean().backward()
        moves.step()
    exact = (weights * probability(IMAGES)).sum() / weights.sum()

    def bound(noise: torch.nn.Module, k: int, times: int) -> Tensor:
        return (weights * estimates(noise, IMAGES, k, times).mean(0)).sum() / weights.sum()

    plain, plain_many = bound(Uniform(WIDTH), 1, 100), bound(Uniform(WIDTH), 16, 20)
    learned, learned_many = bound(made, 1, 100), bound(made, 16, 20)
    assert plain < plain_many < exact
    assert learned < learned_many < exact + 0.01
    assert exact - learned < 0.2 * (exact - plain)


def small(learned: bool = True) -> Glow:
    noise = Variational(EVENT, levels=2, width=8) if learned else None
    return Glow(EVENT, sizes=1, steps=2, width=8, levels=2, dequantise=noise)


BINARY = torch.tensor(list(product((-1.0, 1.0), repeat=4))).reshape(-1, *EVENT)


def test_contract() -> None:
    check_method(small, Batch(BINARY), lambda m: Adam(m.parameters(), 1e-3))


def test_with_uniform_noise_the_loss_of_a_flow_is_what_it_was() -> None:
    glow, x = small(learned=False), BINARY[:6]
    torch.manual_seed(3)
    (_, objective) = next(iter(glow.updates(Batch(x))))
    torch.manual_seed(3)
    noisy = x + 2.0 * (torch.rand(6, *EVENT) - 0.5)
    assert torch.equal(objective()["nll"], -glow.log_prob(noisy).mean())
    assert torch.equal(glow.log_prob(noisy), glow.density(noisy))
    assert (glow.log_prob_kind, glow.levels) == ("exact", None)


def test_what_a_flow_gives_to_all_rounded_images_is_at_most_one() -> None:
    torch.manual_seed(0)
    share = torch.softmax(BINARY.flatten(1) @ torch.tensor([1.0, -0.5, 0.5, 0.8]), 0)
    feed = (Batch(BINARY[torch.multinomial(share, 128, replacement=True)]) for _ in range(250))
    glow, entropy = small(), float(-(share * share.log()).sum())
    for _ in train(glow, feed, Adam(glow.parameters(), 1e-2)):
        pass
    with torch.no_grad():
        one = torch.stack([glow.log_prob(BINARY, k=1, generator=i) for i in range(60)]).mean(0)
        many = glow.log_prob(BINARY, k=500)
        uniform = -bits_per_dim(glow.density, BINARY, levels=2, draws=20) * 4 * math.log(2)
    assert 0.5 < float(many.exp().sum()) < 1.02
    assert float((share * one).sum()) < float((share * many).sum()) < -entropy + 0.01
    assert float((share * uniform).sum()) < float((share * many).sum())
    assert (glow.log_prob_kind, glow.levels) == ("bound", 2)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="3 × 2 pixels"):
        Variational((1, 3, 2), levels=4)
    with pytest.raises(InputError, match="levels 1"):
        Variational(EVENT, levels=1)
    with pytest.raises(InputError, match="noise of 4 levels for pixels of 2"):
        Glow(EVENT, sizes=1, levels=2, dequantise=Variational(EVENT, levels=4))
    with pytest.raises(InputError, match="not of 2 levels"):
        next(iter(small().updates(Batch(torch.zeros(4, *EVENT)))))
    with pytest.raises(InputError, match="k 0"):
        small().log_prob(BINARY, k=0)
