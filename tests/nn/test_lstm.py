"""A step from a state gives what the whole gives; no output sees a later token; the forget gate begins open."""

import torch

from likeness.nn.lstm import LSTM


def test_steps_give_what_the_whole_gives() -> None:
    network, x = LSTM(7, width=12, layers=2).eval(), torch.randint(8, (3, 9))
    whole, state = network(x), network.start(3, 9)
    for t in range(9):
        logits, state = network.step(x[:, t], state)
        assert torch.allclose(logits, whole[:, t], atol=1e-5)


def test_no_logit_depends_on_a_later_token() -> None:
    network, x = LSTM(7, width=12).eval(), torch.randint(7, (1, 9))
    other = x.clone()
    other[:, 5] = (x[:, 5] + 1) % 7
    changed = (network(x) - network(other)).abs().sum(2)[0]
    assert changed[:5].max() == 0
    assert changed[5:].min() > 0


def test_the_forget_gate_begins_open() -> None:
    layer = LSTM(7, width=12).layers[0]
    bias = layer.bias_ih_l0 + layer.bias_hh_l0
    assert torch.equal(bias[12:24], torch.ones(12))
