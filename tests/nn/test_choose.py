"""Networks chosen from the shape of a sample."""

import pytest
import torch

from likeness.errors import InputError
from likeness.nn import critic_for, generator_for


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


@pytest.mark.parametrize("event", [(), (3, 4), (1, 2, 3, 4)])
def test_other_events_are_refused(event: tuple[int, ...]) -> None:
    for make in (lambda: generator_for(event, d_z=2), lambda: critic_for(event)):
        with pytest.raises(InputError, match="samples of shape"):
            make()
