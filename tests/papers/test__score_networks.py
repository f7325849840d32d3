"""Networks of the card at small size; energies that are only lowered fall without end."""

import torch
from torch import Tensor, nn

from likeness.papers._langevin import two
from likeness.papers._score_networks import CLAIMS, divergence, field, measure, relative_error


class MinusLog(nn.Module):
    def __init__(self, add: float) -> None:
        super().__init__()
        self.add = add

    def forward(self, x: Tensor) -> Tensor:
        return -two(2.5).log_prob(x) + self.add


def test_the_truth_has_no_divergence_and_no_error() -> None:
    assert abs(divergence(MinusLog(7.0), two(2.5))) < 1e-6
    truth, x = two(2.5), torch.randn(10, 2)

    class Score(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return truth.noised(0.5).score(x)

    assert relative_error(Score(), truth, 0.5, x) == 0
    assert relative_error(field(), truth, 0.5, x) > 0.5


def test_a_short_training_shows_all_of_it() -> None:
    found = measure(120, 0)
    assert set(found) >= {c.key for c in CLAIMS} | {c.baseline for c in CLAIMS if c.baseline}
    assert found["score.error"] < 0.1
    assert found["energy.error"] < 0.1
    assert found["energy.curl"] < 1e-4 < found["score.curl"]
    assert found["naive.last"] < 2 * found["naive.half"] < found["naive.first"]
    assert found["naive.after"] > found["naive.before"]
