"""What stays fixed when features are extracted, rates by depth when they are tuned, and what either is good for."""

from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD, Adam

from likeness.errors import InputError
from likeness.nn.heads import linear_head
from likeness.nn.line_encoder import LineEncoder
from likeness.nn.resnet_encoder import resnet18
from likeness.nn.small_cnn import SmallCNN
from likeness.nn.transfer import frozen, groups, layers, thawed
from likeness.nn.vit import ViT


def test_a_frozen_encoder_stays_as_it_is_while_its_head_learns() -> None:
    net = nn.Sequential(frozen(SmallCNN(1, width=4, d=8)), linear_head(8, 3)).train()
    before = {name: value.clone() for name, value in net[0].state_dict().items()}
    x, y = torch.randn(6, 1, 8, 8), torch.arange(6) % 3
    optimiser = SGD([p for p in net.parameters() if p.requires_grad], 0.1)
    assert sum(p.numel() for group in optimiser.param_groups for p in group["params"]) == 8 * 3 + 3
    losses = []
    for _ in range(5):
        optimiser.zero_grad()
        losses.append(cross_entropy(net(x), y))
        losses[-1].backward()
        optimiser.step()
    assert losses[-1] < losses[0]
    assert net[0].d == 8
    assert all(torch.equal(before[name], value) for name, value in net[0].state_dict().items()), "statistics too"
    assert net.training
    assert not any(part.training for part in net[0].encoder.modules())


def test_a_frozen_encoder_takes_one_sample_and_can_be_thawed() -> None:
    f = frozen(SmallCNN(1)).train()
    assert f(torch.zeros(1, 1, 8, 8)).shape == (1, 128)
    inner = thawed(f)
    assert inner.training
    assert all(p.requires_grad for p in inner.parameters())


def test_what_else_an_encoder_takes_goes_through() -> None:
    f = frozen(LineEncoder(1, height=8, width=2, d=4))
    x, widths = torch.randn(2, 1, 8, 16), torch.tensor([16, 8])
    torch.testing.assert_close(f(x, widths), f.encoder(x, widths))


ENCODERS: dict[str, tuple[Any, int]] = {
    "small": (lambda: SmallCNN(1, width=2, d=4), 3),  # three convolutions, each with its normalisation
    "resnet18": (lambda: resnet18(1, width=2), 9),  # the stem and eight blocks
    "vit": (lambda: ViT(1, side=8, patch=4, d=4, layers=3, heads=2), 4),  # token, positions and patches; three blocks
    "line": (lambda: LineEncoder(1, height=16, width=2, d=4, context=1), 5),
}


@pytest.mark.parametrize(("make", "count"), ENCODERS.values(), ids=ENCODERS)
def test_layers_from_the_pixels_up(make: Any, count: int) -> None:
    f = make()
    found = layers(f)
    assert len(found) == count
    assert [id(p) for layer in found for p in layer] == [id(p) for p in f.parameters()], "all, once, in their order"


def test_rates_fall_with_depth() -> None:
    f, head = SmallCNN(1, width=2, d=4), linear_head(4, 3)
    found = groups(f, head, lr=0.2, factor=0.5, decay=0.1)
    assert [group["lr"] for group in found] == pytest.approx([0.001, 0.01, 0.1, 0.2])
    one = groups(f, head, lr=0.2, factor=0.5)
    assert [group["lr"] for group in one] == [0.1, 0.2]
    assert sum(len(group["params"]) for group in one) == len([*f.parameters(), *head.parameters()])
    assert [group["lr"] for group in groups(frozen(f), head, lr=0.2)] == [0.2], "nothing of a frozen trunk"


def test_a_step_moves_the_trunk_by_its_factor() -> None:
    found = {}
    for factor in (1.0, 0.1):
        torch.manual_seed(0)
        f, head = SmallCNN(1, width=2, d=4), linear_head(4, 3)
        before = [p.detach().clone() for p in (*f.parameters(), *head.parameters())]
        optimiser = SGD(groups(f, head, lr=0.1, factor=factor))
        cross_entropy(head(f(torch.randn(6, 1, 8, 8))), torch.arange(6) % 3).backward()
        optimiser.step()
        found[factor] = [p.detach() - q for p, q in zip((*f.parameters(), *head.parameters()), before, strict=True)]
    for whole, less, p in zip(found[1.0], found[0.1], range(100)):
        torch.testing.assert_close(less, whole * (1 if p >= len(found[1.0]) - 2 else 0.1), atol=1e-6, rtol=1e-3)


@pytest.mark.parametrize("given", [{"lr": 0.0}, {"lr": 0.1, "factor": 2.0}, {"lr": 0.1, "decay": 0.0}])
def test_rates_that_make_no_sense_are_refused(given: dict[str, float]) -> None:
    with pytest.raises(InputError, match="above zero all"):
        groups(SmallCNN(1), linear_head(128, 3), **given)  # type: ignore[arg-type]


def fitted(f: nn.Module, x: Tensor, y: Tensor, steps: int, **rates: float) -> nn.Module:
    net = nn.Sequential(f, linear_head(f.d, 5)).train()  # type: ignore[arg-type]
    optimiser = Adam(groups(f, net[1], **{"lr": 1e-2, "factor": 1.0, **rates}))
    for _ in range(steps):
        some = torch.randperm(len(x))[:64]
        optimiser.zero_grad()
        cross_entropy(net(x[some]), y[some]).backward()
        optimiser.step()
    return net.eval()


def test_what_five_digits_taught_helps_with_the_other_five() -> None:
    """From 5 labels a class, features of the digits 0 – 4 read 5 – 9 better than a network that begins anew."""
    digits = load_digits()
    x, y = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 8 - 1, torch.tensor(digits.target)
    new = y >= 5
    few = torch.cat([(y == k).nonzero()[:5, 0] for k in range(5, 10)])
    rest = torch.cat([(y == k).nonzero()[5:, 0] for k in range(5, 10)])

    def accuracy(net: nn.Module) -> float:
        with torch.no_grad():
            return float((net(x[rest]).argmax(1) == y[rest] - 5).float().mean())

    def trunk() -> nn.Module:
        torch.manual_seed(0)
        return SmallCNN(1, width=8, d=32)

    learned = trunk()
    fitted(learned, x[~new], y[~new], 60)
    state = {name: value.clone() for name, value in learned.state_dict().items()}
    anew = accuracy(fitted(trunk(), x[few], y[few] - 5, 60))
    features = accuracy(fitted(frozen(learned), x[few], y[few] - 5, 60))
    tuned = trunk()
    tuned.load_state_dict(state)
    slow = accuracy(fitted(tuned, x[few], y[few] - 5, 60, factor=0.1))
    print(anew, features, slow)
    assert features > anew + 0.02
    assert slow > anew + 0.02
