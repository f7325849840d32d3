import pytest
import torch
from torch import Tensor

from likeness.errors import InputError
from likeness.refine.report import Tally, in_blocks
from likeness.sampling import Streams


def test_blocks_cover_the_samples_once_and_in_order() -> None:
    begun, counted = [], []

    def draw(n: int, source: Streams) -> tuple[Tensor, int]:
        assert not torch.is_grad_enabled()
        begun.append((source.first, n))
        return torch.arange(source.first, source.first + n), n

    tally = Tally()
    x, y = in_blocks(draw, counted.append, [(10, Streams(0, 5)), (3, Streams(0))], 4, tally)
    assert x.tolist() == list(range(5, 15))
    assert y.tolist() == [0, 1, 2]
    assert begun == [(5, 4), (9, 4), (13, 2), (0, 3)]
    assert counted == [4, 4, 2, 3]
    assert tally.draws == 13
    assert tally.seconds > 0
    with pytest.raises(InputError, match="cannot draw 0"):
        in_blocks(draw, counted.append, [(0, Streams(0))], 4, tally)


def test_what_was_counted_is_reported() -> None:
    tally = Tally()
    assert tally.report("test", {}, ()).acceptance_rate == 0
    tally.count(12, 3)
    tally.draws = 3
    report = tally.report("test", {"a": 1}, ())
    assert (report.proposals, report.critic_passes, report.acceptance_rate, report.cost) == (12, 12, 0.25, 4)
