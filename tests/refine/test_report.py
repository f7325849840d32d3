import pytest

from likeness.errors import InputError
from likeness.refine.report import Report, Tally, blocks
from likeness.sampling import Streams


def test_blocks_cover_the_samples_once_and_in_order() -> None:
    parts = [(s.first, n) for n, s in blocks(10, Streams(0, 5), 4)]
    assert parts == [(5, 4), (9, 4), (13, 2)]
    with pytest.raises(InputError, match="cannot draw 0"):
        list(blocks(0, Streams(0), 4))


def test_rates_before_anything_was_drawn() -> None:
    assert Tally().acceptance_rate == 0
    assert Tally(accepted=3.0, decisions=12).acceptance_rate == 0.25
    assert Report("test", 4, 12, 0.3, 12, 0.1, 0, None, {}, ()).cost == 3
