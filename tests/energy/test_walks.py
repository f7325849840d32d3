import pytest
import torch
from torch import Tensor

from likeness.chains.state import last
from likeness.data.truth import Mixture
from likeness.energy.reference import Reference
from likeness.energy.walks import Walk, between, mixing
from likeness.errors import InputError
from likeness.sampling import Streams

TRUTH = Mixture(torch.tensor([[2.0, 2.0], [-2.0, -2.0]]), 0.5, weights=torch.tensor([0.8, 0.2]))


def energy(x: Tensor) -> Tensor:
    return -TRUTH.log_prob(x)


def fitted() -> Reference:
    reference = Reference((2,))
    reference.fit(TRUTH.sample(5000, generator=0))
    return reference


def test_the_way_goes_from_the_reference_to_the_energy() -> None:
    reference, x = fitted(), torch.randn(5, 2)
    torch.testing.assert_close(between(energy, reference, 0.0, x), -reference.log_prob(x))
    torch.testing.assert_close(between(energy, reference, 1.0, x), energy(x))


def test_led_chains_share_the_modes_out_better_than_those_left_alone() -> None:
    """The reference's centre lies on the side of the large mode."""
    reference, walk = fitted(), Walk(600, 0.01)
    led = last(walk.states(energy, 2000, reference, Streams(0)))
    alone = last(walk.on(energy, reference.sample(2000, generator=0), reference, Streams(1)))
    small = [float((x.sum(1) < 0).float().mean()) for x in (led, alone)]
    assert abs(small[0] - 0.2) < 0.7 * abs(small[1] - 0.2)
    assert small[0] == pytest.approx(0.2, abs=0.06)


def test_the_states_are_as_many_as_steps_and_belong_to_their_chain() -> None:
    reference = fitted()
    states = list(Walk(7).states(energy, 6, reference, Streams(3)))
    assert len(states) == 7
    part = last(Walk(7).states(energy, 2, reference, Streams(3, 4)))
    torch.testing.assert_close(part, states[-1][4:])


def test_chains_of_far_modes_are_said_not_to_cross() -> None:
    found = mixing(energy, fitted(), Walk(400, 0.01))
    assert [f.code for f in found.findings] == ["not-crossed"]
    assert mixing(lambda x: x.square().sum(1) / 2, Reference((2,)), Walk(2000, 0.5)).findings == ()


def test_dimensions_of_any_scale_are_walked_alike() -> None:
    scale, reference = torch.tensor([100.0, 0.01]), Reference((2,), widen=1.0)
    reference.std.copy_(scale)
    x = last(Walk(400, 0.2).on(lambda x: (x / scale).square().sum(1) / 2, torch.zeros(4000, 2), reference, Streams(0)))
    torch.testing.assert_close((x / scale).var(0), torch.full((2,), 1 / (1 - 0.2 / 4)), atol=0.08, rtol=0)


def test_no_step_is_refused() -> None:
    with pytest.raises(InputError, match="0 steps"):
        last(Walk(0).states(energy, 2, fitted(), Streams(0)))
