"""A split is anything that answers to its length and to an index of places."""

import torch
from torch import Tensor

from likeness.data.batch import Batch, Split


def test_a_split_is_known_by_what_it_does() -> None:
    class Squares:
        def __len__(self) -> int:
            return 5

        def __getitem__(self, index: Tensor) -> Batch:
            return Batch(index.float()[:, None] ** 2, None, index)

    split = Squares()
    assert isinstance(split, Split)
    assert split[torch.tensor([1, 3])].x.flatten().tolist() == [1.0, 9.0]
