"""Energies are numbers of one sample each; a step is no longer behind a swish; first outputs are standardised."""

import pytest
import torch
from torch import Tensor, nn

from likeness.errors import InputError
from likeness.nn.energy_net import ImageEnergy, Swish, VectorEnergy, energy_for, standardise


@pytest.mark.parametrize("event", [(3,), (1, 8, 8), (3, 28, 28)])
def test_an_energy_is_a_function_of_its_sample_alone(event: tuple[int, ...]) -> None:
    made = energy_for(event, width=8).train()
    x = torch.randn(5, *event)
    together = made(x)
    assert together.shape == (5,)
    torch.testing.assert_close(torch.cat([made(x[i : i + 1]) for i in range(5)]), together, rtol=1e-4, atol=1e-5)
    together.sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in made.parameters())


def test_swish_lengthens_no_step() -> None:
    t = torch.linspace(-20, 20, 100_001, dtype=torch.double, requires_grad=True)
    (slope,) = torch.autograd.grad(Swish()(t).sum(), t)
    assert 0.99 < float(slope.abs().max()) <= 1


def test_first_outputs_of_weight_normalised_layers_are_standardised() -> None:
    torch.manual_seed(0)
    made, x = ImageEnergy((1, 16, 16), width=8, blocks=2), 3 * torch.randn(64, 1, 16, 16) + 1
    seen: list[Tensor] = []
    for layer in made.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(lambda _, __, out: seen.append(out.detach()))
    standardise(made, x)
    seen.clear()
    made(x)
    assert len(seen) > 4
    for out in seen:
        torch.testing.assert_close(out.mean((0, 2, 3)), torch.zeros(out.shape[1]), rtol=0, atol=1e-3)
        torch.testing.assert_close(out.std((0, 2, 3)), torch.ones(out.shape[1]), rtol=1e-3, atol=0)


def test_without_weight_normalisation_nothing_is_standardised() -> None:
    made = VectorEnergy(2)
    before = [p.clone() for p in made.parameters()]
    standardise(made, torch.randn(9, 2))
    assert all(map(torch.equal, before, made.parameters()))


def test_harmonics_have_the_period_two() -> None:
    made, x = VectorEnergy(2, harmonics=3), torch.randn(6, 2)
    with torch.no_grad():
        made.body.entry.linear.weight[:, :2] = 0  # what is seen of x itself
    torch.testing.assert_close(made(x + 2), made(x), rtol=1e-3, atol=1e-4)
    assert VectorEnergy(2, harmonics=0).body.entry.linear.in_features == 2


def test_images_of_a_size_without_a_network_are_refused() -> None:
    with pytest.raises(InputError, match="not square"):
        energy_for((1, 8, 9))
