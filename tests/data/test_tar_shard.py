import io
import pickle
import tarfile
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from likeness.data.tar_shard import TarShard
from likeness.errors import InputError


def png(shade: int) -> bytes:
    file = BytesIO()
    Image.new("L", (4, 4), shade).save(file, "PNG")
    return file.getvalue()


def write(path: Path, members: dict[str, bytes]) -> TarShard:
    with tarfile.open(path, "w") as file:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return TarShard(path, path.name, "train")


def test_samples_are_the_members_of_one_key(tmp_path: Path) -> None:
    shard = write(
        tmp_path / "a.tar",
        {
            "x/0001.PNG": png(1),
            "x/0001.cls": b"7\n",
            "x/0002.jpg": png(2),
            "x/0002.json": b'{"label": 3}',
            "x/0002.txt": b"a caption",
            "./0003.left.webp": png(3),
            "./0003.cls": b"5",
            "readme": b"no key",
        },
    )
    survey = shard.survey()
    assert (survey.labels, survey.length, survey.unlabelled, survey.pickles) == ({7, 3, 5}, 3, None, 0)
    shard.classes = {3: 0, 5: 1, 7: 2}
    entries = list(shard.entries())
    assert [(e.name, e.label, e.part) for e in entries] == [
        ("a.tar:x/0001.PNG", 2, "train"),
        ("a.tar:x/0002.jpg", 0, "train"),
        ("a.tar:./0003.left.webp", 1, "train"),
    ]
    assert [e.open().read() for e in entries] == [png(1), png(2), png(3)]
    assert [e.name for e in shard.entries(2)] == ["a.tar:./0003.left.webp"]
    assert shard.length == 3


def test_long_names_are_read(tmp_path: Path) -> None:
    long = "folder/" * 30 + "0001"
    shard = write(tmp_path / "a.tar", {f"{long}.png": png(9), f"{long}.cls": b"0"})
    (entry,) = shard.entries()
    assert entry.open().read() == png(9)
    assert shard.survey().labels == {0}


def test_classes_may_be_names_and_their_key_another(tmp_path: Path) -> None:
    members = {"1.png": png(1), "1.json": b'{"kind": "cat", "label": [1, 2]}', "2.png": png(2), "2.json": b"[]"}
    write(tmp_path / "a.tar", members)
    assert TarShard(tmp_path / "a.tar", "a.tar", "train", "kind").survey().labels == {"cat"}
    survey = TarShard(tmp_path / "a.tar", "a.tar", "train").survey()
    assert (survey.labels, survey.unlabelled) == (set(), "1.png")


def test_pickles_are_counted_and_never_opened(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple:
            return (Path(tmp_path / "exploded").touch, ())

    bomb = pickle.dumps(Bomb())
    shard = write(tmp_path / "a.tar", {"1.png": png(1), "1.pyd": bomb, "1.pickle": bomb, "2.png": png(2)})
    assert shard.survey().pickles == 2
    assert len([e.open() for e in shard.entries()]) == 2
    assert not (tmp_path / "exploded").exists()


def test_an_empty_file_of_samples_is_no_fault(tmp_path: Path) -> None:
    shard = write(tmp_path / "a.tar", {})
    assert shard.survey().length == 0
    assert list(shard.entries()) == []


def test_damage_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "shard-000007.tar"
    members = {f"{i:04d}.png": png(i) + bytes(2000) for i in range(20)}
    write(path, members)
    sound = path.read_bytes()
    harm = {
        "cut": sound[: len(sound) // 2],
        "cut in a header": sound[: 512 * 40 + 100],
        "header": sound[: 512 * 12] + b"\xff" * 1024 + sound[512 * 14 :],
        "empty": b"",
        "no tar": b"this is no tar file" * 100,
    }
    for name, content in harm.items():
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"shard-000007\.tar is damaged"):
            print(name, TarShard(path, path.name, "train").survey())
    path.write_bytes(sound)
    assert TarShard(path, path.name, "train").survey().length == 20, "what is repaired is read anew"


def test_metadata_that_is_no_json_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.tar is damaged"):
        write(tmp_path / "a.tar", {"1.png": png(1), "1.json": b"{"}).survey()
