"""Distributions of one place: known values, draws as often as stated, and refusals."""

import pytest
import torch
from torch import distributions as D

from likeness.density.conditionals import Binary, Conditional, Gaussians, log_probs
from likeness.errors import InputError
from likeness.sampling import Streams


def test_binary_places_are_those_of_torch() -> None:
    made, x, outputs = Binary(channels=2), torch.randint(2, (5, 2, 3)) * 2.0 - 1, torch.randn(5, 2, 3)
    expected = D.Bernoulli(logits=outputs).log_prob((x + 1) / 2)
    torch.testing.assert_close(made.log_prob(x, outputs), expected.sum(1))
    torch.testing.assert_close(log_probs(made, x, outputs), expected.sum((1, 2)))
    zeros = Binary(low=0.0)
    torch.testing.assert_close(zeros.log_prob((x[:, :1] + 1) / 2, outputs[:, :1]), expected[:, 0])


def test_mixtures_of_gaussians_are_those_of_torch() -> None:
    made, x, outputs = Gaussians(3), torch.randn(4, 1, 2), torch.randn(4, 9, 2)
    weight, mu, raw = outputs.transpose(1, 2).unflatten(2, (3, 3)).unbind(2)
    each = D.Normal(mu, torch.nn.functional.softplus(raw) + 1e-3)
    expected = D.MixtureSameFamily(D.Categorical(logits=weight), each).log_prob(x[:, 0])
    torch.testing.assert_close(made.log_prob(x, outputs), expected)


def test_draws_are_of_what_is_stated() -> None:
    n = 50_000
    x = Binary().drawn(torch.full((n, 1), 1.2), Streams(0).uniform(n, 1))
    assert float((x > 0).float().mean()) == pytest.approx(float(torch.tensor(1.2).sigmoid()), abs=0.01)
    outputs = torch.tensor([0.0, 1.0, -2.0, 2.0, -1.0, -1.0]).expand(n, -1)
    x = Gaussians(2).drawn(outputs, Streams(0).uniform(n, 2))[:, 0]
    side = torch.linspace(-6, 6, 600)[:, None]
    p = Gaussians(2).log_prob(side, outputs[:600]).exp() * (12 / 600)
    for edge in (-2.0, -1.0, 1.0, 2.5):
        assert float((x < edge).float().mean()) == pytest.approx(float(p[side[:, 0] < edge].sum()), abs=0.015)


@pytest.mark.parametrize("made", [Binary(), Binary(3, low=0.0), Gaussians(2)])
def test_each_is_a_conditional_whose_outputs_all_matter(made: Conditional) -> None:
    assert isinstance(made, Conditional)
    channels = getattr(made, "channels", 1)
    outputs = torch.randn(4, made.outputs, 2, requires_grad=True)
    x = made.drawn(outputs.detach(), torch.rand(4, made.uniforms, 2))
    made.check(x)
    assert x.shape == (4, channels, 2)
    assert torch.equal(made.rounded(x), x)
    made.log_prob(x, outputs).sum().backward()
    assert (outputs.grad != 0).any(-1).all()


def test_grey_is_not_binary_and_is_rounded_to_the_nearer_value() -> None:
    with pytest.raises(InputError, match=r"0\.2 to 1 are not all -1 or 1"):
        Binary().check(torch.tensor([0.2, 1.0]))
    assert Binary().rounded(torch.tensor([-0.2, 0.4])).tolist() == [-1, 1]
    with pytest.raises(InputError, match="0 components"):
        Gaussians(0)
