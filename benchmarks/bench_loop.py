"""What the loop costs: `train` against the same steps written by hand, interleaved, medians.

The bar: at most 2 % on a step of 5 ms.
"""

import torch
from harness import record, side_by_side
from torch import Tensor, nn
from torch.optim import Adam

from likeness.core import Method, learn


class Regression(Method):
    """A one-loss method whose step takes about 5 ms on one core."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(256, 768), nn.ReLU(), nn.Linear(768, 768), nn.ReLU(), nn.Linear(768, 256))

    def updates(self, batch: Tensor):
        yield self.net, lambda: {"error": (self.net(batch) - batch).square().mean()}


def main() -> None:
    torch.set_num_threads(1)
    x = torch.randn(64, 256)
    ours, theirs = Regression(), Regression()
    moves, steps = Adam(ours.parameters(), 1e-4), Adam(theirs.parameters(), 1e-4)

    def loop() -> None:
        learn(ours, x, moves)

    def by_hand() -> None:
        steps.zero_grad()
        (theirs.net(x) - x).square().mean().backward()
        steps.step()

    times = side_by_side({"likeness.train": loop, "by hand": by_hand}, rounds=300)
    record("loop", times, reference="by hand", bar=1.02, better="lower")


if __name__ == "__main__":
    main()
