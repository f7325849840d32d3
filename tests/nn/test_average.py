"""The average of weights: its formula, its warm-up, its buffers, its state."""

import copy

import pytest
import torch
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from likeness.errors import InputError
from likeness.nn import ConvGenerator, average


def test_the_formula_with_its_warm_up() -> None:
    net = nn.Linear(2, 1)
    ema = average(net, 0.5)
    expected = None
    for t in range(30):
        nn.init.normal_(net.weight)
        ema.update(net)
        beta = min(0.5, (1 + t) / (10 + t))
        expected = net.weight.clone() if t == 0 else beta * expected + (1 - beta) * net.weight
        torch.testing.assert_close(ema.module.weight, expected)


def test_running_statistics_are_averaged_and_counts_copied() -> None:
    G = ConvGenerator((1, 8, 8), d_z=2, width=2)
    ema = average(G, 0.9)
    means = []
    for _ in range(3):
        G(torch.randn(4, 2) + 3)
        ema.update(G)
        means.append(G.body[0].running_mean.clone())
    a, b = 2 / 11, 3 / 12
    expected = b * (a * means[0] + (1 - a) * means[1]) + (1 - b) * means[2]
    torch.testing.assert_close(ema.module.body[0].running_mean, expected)
    assert ema.module.body[0].num_batches_tracked == G.body[0].num_batches_tracked == 3


def test_the_average_draws_in_evaluation_mode_and_does_not_train() -> None:
    G = ConvGenerator((1, 8, 8), d_z=2, width=2).train()
    ema = average(G)
    ema.update(G)
    assert not any(m.training for m in ema.module.modules())
    assert not any(p.requires_grad for p in ema.module.parameters())
    assert G.training
    assert all(p.requires_grad for p in G.parameters())


def test_saved_and_loaded_it_goes_on_as_before() -> None:
    net = nn.Linear(2, 2)
    ema = average(net, 0.99)
    for _ in range(5):
        nn.init.normal_(net.weight)
        ema.update(net)
    other = average(nn.Linear(2, 2), 0.99)
    other.load_state_dict(copy.deepcopy(ema.state_dict()))
    nn.init.normal_(net.weight)
    for e in (ema, other):
        e.update(net)
    assert torch.equal(ema.module.weight, other.module.weight)


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_bad_decay(decay: float) -> None:
    with pytest.raises(InputError, match="decay"):
        average(nn.Linear(1, 1), decay)


def test_sharded_parameters_are_averaged_beside_buffers_that_are_whole() -> None:
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        module = nn.ModuleDict({"net": nn.Linear(2, 2), "shares": nn.Module()})
        module["shares"].register_buffer("p", torch.ones(2))
        ema = average(module, 0.5)
        for each in (module, ema.module):
            fully_shard(each["net"], mesh=init_device_mesh("cpu", (1,)))
        ema.update(module)
        weight = module["net"].weight.full_tensor().clone()
        with torch.no_grad():
            for tensor in (*module.parameters(), *module.buffers()):
                tensor.add_(1)
        ema.update(module)
        share = 1 - 2 / 11
        torch.testing.assert_close(ema.module["net"].weight.full_tensor(), weight + share)
        torch.testing.assert_close(ema.module["shares"].p, torch.ones(2) + share)
    finally:
        torch.distributed.destroy_process_group()
