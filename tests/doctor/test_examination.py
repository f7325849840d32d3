"""Every part of a VAE's run is looked at, a model without one gets what is left, and a sweep trains copies."""

import pytest

from likeness.data import load
from likeness.doctor.examination import examined, sweep
from likeness.errors import InputError
from likeness.recipes.spaces import space_for

DIGITS = load("digits")
SPACE = space_for("pca", DIGITS, 0, "cpu")


def test_a_collapsed_vae_is_told_in_every_way(session) -> None:
    found = {name: look() for name, look in examined(session, DIGITS, SPACE)}
    assert set(found) == {"loss", "codes", "hole", "over-fitting", "inference", "draws", "blur", "training"}
    assert "none" in found["loss"].words[0]
    (alarm,) = found["codes"].findings
    assert alarm.code == "posterior-collapse"
    assert "exceeds" in alarm.saw
    assert "blurred" in {f.code for f in found["blur"].findings}


def test_without_a_vae_the_rest_is_looked_at(session) -> None:
    plain = session._replace(model=session.model._replace(vae=None))
    assert {name for name, _ in examined(plain, DIGITS, SPACE)} == {"over-fitting", "draws", "blur", "training"}
    none = plain._replace(model=plain.model._replace(log_prob=None))
    assert [name for name, _ in examined(none, DIGITS, SPACE)] == ["draws", "blur", "training"]


def test_a_sweep_trains_copies_and_leaves_the_run_as_it_is(session, run) -> None:
    before = (run / "config.json").read_text()
    done: list[int] = []
    found = sweep(session, DIGITS, SPACE, points=2, steps=20, tell=lambda i, what: done.append(i))
    assert done == [1, 2]
    assert (run / found.pictures[0]).is_file()
    errors = [row["error"] for row in found.numbers.values()]
    assert errors[1] < errors[0]
    assert (run / "config.json").read_text() == before


def test_what_cannot_be_swept_is_refused(session) -> None:
    with pytest.raises(InputError, match="two points"):
        sweep(session, DIGITS, SPACE, points=1, steps=20, tell=print)
    with pytest.raises(InputError, match="trains VAEs"):
        sweep(session._replace(model=session.model._replace(vae=None)), DIGITS, SPACE, points=3, steps=2, tell=print)
