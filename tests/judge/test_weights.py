import hashlib
import pickle

import pytest
import torch
from safetensors.torch import save_file

from likeness.errors import InputError
from likeness.judge import weights
from likeness.judge.features import features_of
from likeness.judge.inception import InceptionV3


@pytest.fixture
def tensors():
    return {"a": torch.randn(3), "b": torch.randn(2, 2)}


def test_a_file_of_the_right_layout_becomes_a_space(tmp_path):
    network = InceptionV3().eval()
    save_file(network.state_dict(), tmp_path / "inception.safetensors")
    space = weights.inception(tmp_path / "inception.safetensors")
    x = torch.rand(1, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        assert torch.allclose(features_of(space, x), network(x))
    assert len(space.weights) == 64
    assert space.resize == "8 bits, bilinear to 299 with antialiasing"


def test_the_published_pickle_is_known_by_its_hash(tmp_path, tensors):
    path = tmp_path / "w.pth"
    torch.save(tensors, path)
    prefix = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    assert torch.equal(weights.published(path, prefix)["a"], tensors["a"])
    with pytest.raises(InputError, match="the known weights 6726825d"):
        weights.read(path)


def test_no_other_pickle_is_opened(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("the pickle ran",))

    path = tmp_path / "w.pth"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(InputError, match="SHA-256"):
        weights.read(path)


def test_missing_and_broken_files(tmp_path):
    with pytest.raises(InputError, match="no weights at"):
        weights.inception(tmp_path / "none.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"not tensors")
    with pytest.raises(InputError, match="no safetensors file"):
        weights.read(tmp_path / "bad.safetensors")


def test_fetching(tmp_path, monkeypatch, tensors):
    monkeypatch.setenv("LIKENESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(weights, "URL", (tmp_path / "away.pth").as_uri())
    with pytest.raises(InputError, match=r"could not be fetched .* give its path"):
        weights.fetched()
    torch.save(tensors, tmp_path / "away.pth")
    with pytest.raises(InputError, match="SHA-256"):
        weights.fetched()
    monkeypatch.setattr(weights, "PREFIX", hashlib.sha256((tmp_path / "away.pth").read_bytes()).hexdigest()[:8])
    kept = weights.fetched()
    assert torch.equal(weights.read(kept)["b"], tensors["b"])
    assert [p.name for p in kept.parent.iterdir()] == [kept.name]
    (tmp_path / "away.pth").unlink()
    assert weights.fetched() == kept
