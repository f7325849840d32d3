"""One small training in the plane that the tests of this room share."""

from dataclasses import replace
from typing import NamedTuple

import pytest

from likeness.data import Dataset, load
from likeness.judge.features import raw
from likeness.recipes.gan import Settings
from likeness.recipes.pipeline import Session, begin, training


class Trained(NamedTuple):
    """A session and the data it learned from."""

    session: Session
    data: Dataset


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("runs") / "ring"
    data = load("ring8")
    settings = Settings(data="ring8", out=folder, device="cpu", width=32)
    session = begin("gan", replace(settings, steps=400, batch_size=128, judge_every=100), data)
    for _ in training(session, data, raw()):
        pass
    return Trained(session, data)
