import pytest
import torch
from sklearn.datasets import load_digits

from likeness.data import batches, load, whole
from likeness.data.dataset import Options
from likeness.data.embedded import EMBEDDED, embedded
from likeness.data.shapes import Factors, picture
from likeness.data.toys import TOYS
from likeness.errors import InputError


@pytest.mark.parametrize("name", EMBEDDED)
def test_every_embedded_set_loads_alike_every_time_and_shares_nothing(name: str) -> None:
    data, again = (embedded(name, Options(limit=200)) for _ in range(2))
    assert data.fingerprint == again.fingerprint != embedded(name, Options(limit=200, seed=1)).fingerprint
    assert len(data.train) == 200
    parts = [set(split.digests.tolist()) for split in (data.train, data.validation, data.test)]
    common = parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2]
    on_a_line = data.event == (1,)  # where independent float32 draws meet by chance
    assert len(common) < (0.1 * sum(map(len, parts)) if on_a_line else 1)
    batch = next(batches(data.train, 16))
    assert batch.x.shape == (16, *data.event)
    assert batch.x.dtype == (torch.int64 if data.kind == "text" else torch.float32)
    assert (batch.y is not None) == bool(data.classes)
    assert (data.truth is not None) == (name in TOYS)


def test_the_limit_of_a_toy_keeps_its_first_samples() -> None:
    assert torch.equal(whole(load("ring8", limit=50).train).x, whole(load("ring8").train, 50).x)


def test_digits_are_scikit_learns() -> None:
    data = load("digits")
    assert data.event == (1, 8, 8)
    assert sum(map(len, (data.train, data.validation, data.test))) == 1797
    found = torch.cat([whole(s).x for s in (data.train, data.validation, data.test)])
    labels = torch.cat([whole(s).y for s in (data.train, data.validation, data.test)])
    theirs = load_digits()
    for image, label in zip(found[:20], labels[:20], strict=True):
        error = abs((image[0].numpy() + 1) * 8 - theirs.images).max(axis=(1, 2))
        assert error.min() < 0.07  # half a step of a byte, in their units
        assert theirs.target[error.argmin()] == label


def test_shapes_are_drawn_at_the_size_asked_for_and_show_their_factors() -> None:
    data = load("shapes", size=16, limit=20)
    assert data.event == (3, 16, 16)
    batch, factors = whole(data.train), data.train.factors
    assert torch.equal(batch.y, factors["kind"])
    torch.testing.assert_close(batch.x, picture(Factors(**factors), 16), atol=0.5 / 127, rtol=0)
    assert load("shapes", channels=1, limit=5).event == (1, 32, 32)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [("ring8", {"size": 8}, "size"), ("digits", {"label": "y"}, "label"), ("ring8", {"limit": 0}, "limit 0")],
)
def test_options_that_mean_nothing_are_refused(name: str, options, said: str) -> None:
    with pytest.raises(InputError, match=said):
        load(name, **options)
