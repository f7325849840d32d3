import torch

from likeness.data.batch import Batch


def test_samples_alone_are_a_batch() -> None:
    batch = Batch(torch.zeros(2, 3))
    assert batch.y is None
    assert batch.index is None
