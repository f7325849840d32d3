"""Networks chosen from the shape of a sample."""

import pytest
import torch

from likeness.errors import InputError
from likeness.nn import critic_for, denoiser_net_for, generator_for


@pytest.mark.parametrize("event", [(3,), (1, 8, 8), (3, 32, 32)])
@pytest.mark.parametrize("classes", [0, 4])
def test_generator_and_critic_fit_the_event_and_each_other(event: tuple[int, ...], classes: int) -> None:
    G = generator_for(event, d_z=6, classes=classes, width=4)
    D = critic_for(event, classes=classes, width=4, spectral=True, minibatch_std=True)
    y = torch.tensor([0, 3]) if classes else None
    x = G(torch.randn(2, 6), y)
    assert x.shape == (2, *event)
    assert D(x, y).shape == (2,)
    assert D.features(x, y).shape == (2, D.feature_size)


@pytest.mark.parametrize(
    ("event", "levels", "attention"),
    [((1, 8, 8), 2, [4]), ((1, 28, 28), 3, [14, 7]), ((3, 32, 32), 3, [16, 8]), ((3, 64, 64), 4, [16, 8])],
)
def test_networks_of_diffusion_fit_the_event(event: tuple[int, ...], levels: int, attention: list[int]) -> None:
    F = denoiser_net_for(event, outputs=2, classes=3, width=4)
    assert (len(F.plan.multipliers), F.plan.attention) == (levels, attention)
    assert F(torch.randn(1, *event), torch.zeros(1), torch.tensor([2])).shape == (1, 2 * event[0], *event[1:])
    assert denoiser_net_for((3,), outputs=2)(torch.randn(2, 3), torch.zeros(2)).shape == (2, 6)


def test_they_stop_at_an_odd_side_on_the_way_down() -> None:
    assert len(denoiser_net_for((1, 18, 18), width=4).plan.multipliers) == 2
    assert len(denoiser_net_for((1, 7, 7), width=4).plan.multipliers) == 1
    with pytest.raises(InputError, match="squares"):
        denoiser_net_for((1, 8, 12))


@pytest.mark.parametrize("event", [(), (3, 4), (1, 2, 3, 4)])
def test_other_events_are_refused(event: tuple[int, ...]) -> None:
    for make in (lambda: generator_for(event, d_z=2), lambda: critic_for(event), lambda: denoiser_net_for(event)):
        with pytest.raises(InputError, match="samples of shape"):
            make()
