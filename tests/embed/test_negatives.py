"""The law of noise, the loss by a slow loop, shared noise is right on average, and the optimum that it has."""

import numpy as np
import pytest
import torch
from torch.nn.functional import logsigmoid
from torch.optim import LBFGS

from likeness.embed.negatives import Negatives, law, optimum
from likeness.errors import InputError

COUNTS = [50, 30, 15, 5]


def filled(v: int = 4, d: int = 3, **given) -> Negatives:
    torch.manual_seed(0)
    made = Negatives(COUNTS if v == 4 else [1] * v, d, **given)
    torch.nn.init.normal_(made.vectors)
    return made


def test_noise_is_of_the_three_quarters_law() -> None:
    expected = np.array(COUNTS) ** 0.75 / (np.array(COUNTS) ** 0.75).sum()
    np.testing.assert_allclose(law(COUNTS), expected)
    words, _ = filled(noise=64, block=2).draw(4000)
    found = torch.bincount(words.flatten(), minlength=4) / words.numel()
    np.testing.assert_allclose(found, expected, atol=5 * float(np.sqrt(0.25 / words.numel())))
    assert law([3, 0, 1])[1] == 0


def test_the_loss_is_that_of_a_slow_loop() -> None:
    made = filled(k=5, noise=7, block=4)
    h, c = torch.randn(10, 3), torch.randint(4, (10,))
    words, before = made.draw(10)
    assert (words.shape, before) == ((3, 7), 0)
    for i, value in enumerate(made(h, c, (words, before))):
        off = torch.stack([logsigmoid(-made.vectors[n] @ h[i]) for n in words[i // 4]])
        expected = -logsigmoid(made.vectors[c[i]] @ h[i]) - 5 / 7 * off.sum()
        torch.testing.assert_close(value, expected)


def test_shared_noise_has_the_expectation_and_the_gradient_of_the_papers_own() -> None:
    h, c = torch.randn(6, 3), torch.randint(4, (6,))
    found = {}
    for name, given in {"own": {"block": 1}, "shared": {"block": 6, "noise": 16}}.items():
        made = filled(k=5, **given)
        values = []
        for _ in range(800):
            values.append(made(h, c, made.draw(6)).mean())
        loss = torch.stack(values)
        (slope,) = torch.autograd.grad(loss.mean(), made.vectors)
        found[name] = float(loss.detach().mean()), slope, float(loss.detach().std())
    assert found["own"][0] == pytest.approx(
        found["shared"][0], abs=5 * (found["own"][2] + found["shared"][2]) / 800**0.5
    )
    torch.testing.assert_close(found["own"][1], found["shared"][1], atol=0.04, rtol=0.05)


def test_the_optimum_is_the_shifted_pointwise_mutual_information() -> None:
    X, P, k = torch.rand(4, 4) + 0.2, law(COUNTS).float(), 2
    made = Negatives(COUNTS, 4, k=k)
    W = torch.nn.Parameter(torch.randn(4, 4) * 0.1)
    torch.nn.init.normal_(made.vectors, std=0.1)
    share, given = X / X.sum(), X.sum(1) / X.sum()

    def loss() -> torch.Tensor:  # the expectation, with no noise drawn
        s = W @ made.vectors.T
        return -(share * logsigmoid(s)).sum() - k * (given[:, None] * P * logsigmoid(-s)).sum()

    moves = LBFGS([W, made.vectors], max_iter=2000, line_search_fn="strong_wolfe", tolerance_grad=1e-9,
                  tolerance_change=1e-14)  # fmt: skip

    def closure() -> torch.Tensor:
        moves.zero_grad()
        value = loss()
        value.backward()
        return value

    moves.step(closure)
    torch.testing.assert_close((W @ made.vectors.T).detach(), optimum(X, P, k), atol=0.02, rtol=0.02)


@pytest.mark.parametrize("given", [{"k": 0}, {"noise": -1}, {"block": -1}])
def test_numbers_below_one_are_refused(given: dict) -> None:
    with pytest.raises(InputError, match="give 1 or more"):
        Negatives(COUNTS, 3, **given)


def test_one_word_has_nothing_to_be_told_from() -> None:
    with pytest.raises(InputError, match="needs two or more"):
        Negatives([5, 0, 0], 3)
