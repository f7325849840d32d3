"""Sequences keep their order, nothing but the last state goes through, and the reverse decoder writes backwards."""

import pytest
import torch

from likeness.errors import InputError
from likeness.nn.recurrent import LSTMDecoder, LSTMEncoder, as_steps, from_steps, steps_of

EVENTS = [(6,), (6, 2), (2, 6, 3)]


@pytest.mark.parametrize("event", EVENTS)
def test_samples_become_steps_and_come_back(event: tuple[int, ...]) -> None:
    x = torch.randn(3, *event)
    s = as_steps(x)
    assert s.shape[1:] == steps_of(event)
    assert torch.equal(from_steps(s, event), x)


def test_the_steps_of_an_image_are_its_rows() -> None:
    x = torch.randn(1, 2, 4, 3)
    assert torch.equal(as_steps(x)[0, 1], torch.cat((x[0, 0, 1], x[0, 1, 1])))


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("width", [None, 7])
def test_shapes(event: tuple[int, ...], width: int | None) -> None:
    z = LSTMEncoder(event, 5, width=width)(torch.randn(4, *event))
    assert z.shape == (4, 5)
    assert LSTMDecoder(event, 5, width=width)(z).shape == (4, *event)


def test_the_code_is_the_last_state_of_a_loop_over_cells() -> None:
    E, x = LSTMEncoder((5, 2), 3), torch.randn(4, 5, 2)
    cell = torch.nn.LSTMCell(2, 3)
    cell.load_state_dict({k.removesuffix("_l0"): v for k, v in E.lstm.state_dict().items()})
    h = c = torch.zeros(4, 3)
    for t in range(5):
        h, c = cell(x[:, t], (h, c))
    torch.testing.assert_close(E(x), h)


def test_a_reverse_decoder_writes_the_same_from_the_other_end() -> None:
    forward, back = LSTMDecoder((6, 2), 3), LSTMDecoder((6, 2), 3, reverse=True)
    back.load_state_dict(forward.state_dict())
    z = torch.randn(2, 3)
    assert torch.equal(back(z), forward(z).flip(1))


@pytest.mark.parametrize("event", [(1,), (3, 1, 5)])
def test_a_single_step_is_no_sequence(event: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="two or more"):
        LSTMEncoder(event, 2)
