"""What a recipe builds is a value with few demands."""

import torch
from torch.optim import SGD

from likeness.core import Method
from likeness.run.learner import Learner


def test_nothing_need_be_compiled() -> None:
    method = Method()
    learner = Learner(method, SGD([torch.nn.Parameter(torch.zeros(1))]), lambda: None, method)
    assert learner.once == ()
