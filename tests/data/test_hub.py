"""The hub's library is played by a small module with the same calls, so that no network and no extra is needed."""

import sys
from io import BytesIO
from types import ModuleType, SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image as Picture

from likeness.data import batches, load, stream, whole
from likeness.errors import InputError
from likeness.lockstep import lockstep


class Image:
    def __init__(self, decode: bool = True) -> None:
        self.decode = decode


class ClassLabel:
    def __init__(self, *names: str) -> None:
        self.names = names


class Value:
    pass


class Part:
    """As much of `datasets.Dataset` and `datasets.IterableDataset` as is used."""

    num_shards = 1

    def __init__(self, columns: dict, features: dict, split: str = "train", *, known: bool = True) -> None:
        self.columns, self.features, self.split, self.known = columns, features, split, known

    @property
    def info(self) -> SimpleNamespace:
        return SimpleNamespace(splits={self.split: SimpleNamespace(num_examples=len(self))} if self.known else None)

    def like(self, columns: dict) -> "Part":
        made = Part(columns, {c: self.features[c] for c in columns}, self.split, known=self.known)
        made.num_shards = self.num_shards
        return made

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, key: str | int) -> object:
        return self.columns[key] if isinstance(key, str) else {c: v[key] for c, v in self.columns.items()}

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def select_columns(self, names: list[str]) -> "Part":
        return self.like({name: self.columns[name] for name in names})

    def cast_column(self, name: str, feature: Image) -> "Part":
        assert name in self.columns
        assert not feature.decode
        return self

    def skip(self, n: int) -> "Part":
        return self.like({c: v[n:] for c, v in self.columns.items()})

    def shard(self, num_shards: int, index: int) -> "Part":
        assert num_shards == self.num_shards
        return self.like({c: v[index::num_shards] for c, v in self.columns.items()})

    def with_format(self, kind: str) -> dict:
        assert kind == "arrow"
        return _Sliced(pa.table(self.columns))


class _Sliced:
    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __getitem__(self, everything: slice) -> pa.Table:
        assert everything == slice(None)
        return self.table


def cells(n: int, seed: int) -> list[dict]:
    found = []
    for x in np.random.default_rng(seed).integers(0, 256, (n, 6, 6, 3), dtype=np.uint8):
        file = BytesIO()
        Picture.fromarray(x).save(file, "PNG")
        found.append({"bytes": file.getvalue(), "path": None})
    return found


def images(n: int, seed: int = 0, split: str = "train", **options) -> Part:
    columns = {"id": list(range(n)), "picture": cells(n, seed), "kind": [i % 2 for i in range(n)]}
    return Part(columns, {"id": Value(), "picture": Image(), "kind": ClassLabel("a", "b")}, split, **options)


@pytest.fixture
def library(monkeypatch) -> ModuleType:
    module = ModuleType("datasets")
    module.Image, module.asked = Image, []

    def load_dataset(path: str, config: str | None, *, streaming: bool) -> dict[str, Part]:
        module.asked.append((path, config, streaming))
        if isinstance(module.found, Exception):
            raise module.found
        return module.found

    module.load_dataset = load_dataset
    monkeypatch.setitem(sys.modules, "datasets", module)
    return module


def test_images_come_with_their_parts_and_classes(library: ModuleType) -> None:
    library.found = {"train": images(40), "test": images(10, 1, "test"), "extra": images(5, 2, "extra")}
    data = load("owner/set:small")
    assert library.asked == [("owner/set", "small", False)]
    assert (data.kind, data.event, data.classes) == ("images", (3, 6, 6), ("a", "b"))
    assert (len(data.train), len(data.validation), len(data.test)) == (36, 4, 10)
    first = Picture.open(BytesIO(library.found["test"].columns["picture"][0]["bytes"]))
    expected = torch.from_numpy(np.array(first)).permute(2, 0, 1) / 127.5 - 1
    batch = whole(data.test)
    place = (batch.x - expected).abs().amax((1, 2, 3)).argmin()
    torch.testing.assert_close(batch.x[place], expected)
    assert int(batch.y[place]) == 0


def test_a_label_without_names_is_given_those_of_its_values(library: ModuleType) -> None:
    part = images(30)
    part.columns["id"] = [("x", "y", "z")[i % 3] for i in range(30)]
    library.found = {"train": part}
    assert load("owner/set", label="id").classes == ("x", "y", "z")


def test_sets_without_images_are_tables(library: ModuleType) -> None:
    columns = {"n": list(range(40)), "c": ["u", "v"] * 20, "y": [0, 1] * 20}
    library.found = {"train": Part(columns, {"n": Value(), "c": Value(), "y": ClassLabel("no", "yes")})}
    data = load("owner/set")
    assert (data.kind, data.event, data.classes) == ("table", (3,), ("no", "yes"))
    with pytest.raises(InputError, match="only images are streamed"):
        load("owner/set", stream=True)


def test_a_stream_never_trains_on_copies_of_what_it_holds_out(library: ModuleType, monkeypatch) -> None:
    monkeypatch.setattr(stream, "HELD", {"test": 6, "validation": 4})
    part = images(60)
    part.columns["picture"][33] = part.columns["picture"][2]
    library.found = {"train": part}
    data = load("owner/set", stream=True)
    assert library.asked[-1][2] is True
    assert (len(data.test), len(data.validation), len(data.train)) == (6, 4, 50)
    held = {tuple(x.tolist()) for x in torch.cat((whole(data.test).x, whole(data.validation).x)).flatten(1)}
    taken = list(batches(data.train, 7, steps=14))  # two epochs of 49
    seen = [tuple(x.tolist()) for b in taken for x in b.x.flatten(1)]
    assert len(seen) == 98
    assert not held & set(seen)
    assert len(set(seen[:49])) == len(set(seen)) == 49
    assert seen[:49] != seen[49:]
    assert torch.equal(taken[0].x, next(batches(data.train, 7)).x)


def test_a_stream_goes_on_where_it_stopped_and_processes_share_its_shards(library: ModuleType, monkeypatch) -> None:
    monkeypatch.setattr(stream, "HELD", {"test": 6, "validation": 4})
    library.found = {"train": images(60)}
    library.found["train"].num_shards = 4
    train = load("owner/set", stream=True).train
    assert [shard.name[-7:] for shard in train.feed.shards] == [f"shard {i}" for i in range(4)]
    found = batches(train, 5, seed=2)
    passed = [next(found) for _ in range(7)]
    again = batches(train, 5, seed=2, state=found.state_dict())
    for _ in range(9):
        assert torch.equal(next(found).x, next(again).x)
    assert len(passed) == 7

    def work(rank: int) -> set[tuple[float, ...]]:
        taken = [next(mine) for mine in [batches(train, 2)] for _ in range(20)]
        return {tuple(row.tolist()) for b in taken for row in b.x.flatten(1)}

    a, b = lockstep(2, work)
    assert len(a) == len(b) == 20
    assert not a & b


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (FileNotFoundError("no such set"), "unknown data set 'owner/set'"),
        (ConnectionError("cannot reach the hub\nmore"), r"did not give owner/set \(cannot reach the hub\): check"),
        (ValueError("Config name is missing: a, b"), "Config name is missing: a, b"),
    ],
)
def test_what_the_hub_says_is_one_clear_line(library: ModuleType, found: Exception, said: str) -> None:
    library.found = found
    with pytest.raises(InputError, match=said) as raised:
        load("owner/set")
    assert "\n" not in str(raised.value)


def test_labels_that_do_not_fit_are_named(library: ModuleType) -> None:
    library.found = {"train": images(20)}
    with pytest.raises(InputError, match=r"unknown column 'kinds'.*did you mean kind"):
        load("owner/set", label="kinds")
    library.found["train"].columns["kind"][4] = -1
    with pytest.raises(InputError, match="without a class"):
        load("owner/set")
    with pytest.raises(InputError, match="'id' of owner/set does not say its classes"):
        load("owner/set", label="id", stream=True)


def test_without_the_library_a_name_of_the_hub_says_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(InputError, match=r"pip install 'likeness\[hub\]'"):
        load("owner/set")
    with pytest.raises(InputError, match="unknown data set 'celeba'"):
        load("celeba")
