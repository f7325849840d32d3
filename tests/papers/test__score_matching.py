"""Identities and costs of the card at small size."""

import time

from likeness.papers._score_matching import CLAIMS, costs, gaussian, identities, interleaved, scores


def test_identities_hold_within_their_errors() -> None:
    found = identities(20_000, 0) | scores(20_000, 0) | gaussian(5000, 0)
    assert found["constant"] == 0
    assert found["mean.errors"] < 4
    assert found["fisher.exact.errors"] < 4
    assert found["fisher.sliced.errors"] < 4
    assert abs(found["fisher.exact"] / found["fisher"] - 1) < 0.1
    assert found["gaussian.sample"] < 1e-3
    assert found["gaussian.A"] < 0.1
    timed = costs((2, 4), 1, 0)
    assert {"ms.exact.2", "ms.sliced.4", "growth.denoising"} <= set(timed)
    keys = {c.key for c in CLAIMS if not c.key.startswith("ms.")}
    assert keys <= set(found | timed)


def test_time_is_counted_in_turns() -> None:
    def busy(seconds: float) -> None:
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass

    found = interleaved({"long": lambda: busy(0.02), "short": lambda: busy(0.005)}, 3)
    assert 19 < found["long"] < 40
    assert found["short"] < 15
