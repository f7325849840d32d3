"""The course's network: every row of its table, and that it reads digits."""

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy, interpolate
from torch.optim import Adam

from likeness.errors import InputError
from likeness.nn.course_cnn import CourseCNN
from likeness.nn.dropout import Dropout
from likeness.nn.heads import linear_head

TABLE = [
    ("Conv2d", (32, 26, 26), 320),
    ("Conv2d", (32, 24, 24), 9_248),
    ("Dropout", (32, 24, 24), 0),
    ("MaxPool2d", (32, 12, 12), 0),
    ("Conv2d", (16, 10, 10), 4_624),
    ("Conv2d", (16, 8, 8), 2_320),
    ("Dropout", (16, 8, 8), 0),
    ("MaxPool2d", (16, 4, 4), 0),
    ("Flatten", (256,), 0),
    ("Linear", (10,), 2_570),
]


def test_every_row_of_the_table() -> None:
    f = CourseCNN()
    rows, h = [], torch.zeros(1, 1, 28, 28)
    for layer in (*f.body, linear_head(f.d, 10)):
        h = layer(h)
        if not isinstance(layer, nn.ReLU):
            rows.append((type(layer).__name__, tuple(h.shape[1:]), sum(p.numel() for p in layer.parameters())))
    assert rows == TABLE
    assert sum(row[2] for row in rows) == 19_082


def test_it_reads_digits() -> None:
    digits = load_digits()
    x = interpolate(torch.tensor(digits.images, dtype=torch.float32)[:, None] / 8 - 1, (28, 28), mode="bilinear")
    y = torch.tensor(digits.target)
    order = torch.randperm(len(x))
    train, test = order[:1400], order[1400:]
    net = nn.Sequential(f := CourseCNN(), linear_head(f.d, 10))
    optimiser = Adam(net.parameters(), 3e-3)
    for i in range(40):
        batch = train[(torch.arange(32) + 32 * i) % len(train)]
        optimiser.zero_grad()
        cross_entropy(net(x[batch]), y[batch]).backward()
        optimiser.step()
    with torch.no_grad():
        accuracy = float((net.eval()(x[test]).argmax(1) == y[test]).float().mean())
    assert accuracy > 0.8


def test_other_sizes_are_told_and_checked() -> None:
    assert CourseCNN(3, side=32).d == 400
    assert CourseCNN(1, side=16)(torch.zeros(2, 1, 16, 16)).shape == (2, 16)
    with pytest.raises(InputError, match="15×15 are too small"):
        CourseCNN(side=15)
    with pytest.raises(InputError, match=r"\(1, 32, 32\).*\(1, 28, 28\)"):
        CourseCNN()(torch.zeros(1, 1, 32, 32))


def test_dropout_is_that_of_processes() -> None:
    assert [part.p for part in CourseCNN(dropout=0.4).body if isinstance(part, Dropout)] == [0.4, 0.4]
