"""How far a set stands out depends on the features: none where they do not see what is wrong with it."""

import torch

from likeness.judge import FeatureSpace
from likeness.papers._feature_spaces import spaces, standing_out


def test_features_that_cannot_see_a_fault_do_not_tell_it() -> None:
    generator = torch.Generator().manual_seed(0)
    draws = []
    for _ in range(6):
        reference, real, other = torch.randn(3, 200, 4, generator=generator)
        draws.append((reference, {"real": real, "moved": other + torch.tensor([0.0, 0.0, 0.0, 3.0])}))
    seen = {"all": FeatureSpace("all", lambda x: x), "half": FeatureSpace("half", lambda x: x[:, :2])}
    found = standing_out(seen, draws)
    assert set(found) == {"all.moved", "half.moved"}
    assert found["all.moved"] > 10
    assert abs(found["half.moved"]) < 3


def test_every_space_gives_vectors() -> None:
    x = torch.rand(40, 1, 8, 8) * 2 - 1
    found = spaces(x, FeatureSpace("classifier", lambda x: x.flatten(1)[:, :5]), epochs=1, seed=0)
    assert [space.extract(x).shape for space in found.values()] == [(40, 5), (40, 128), (40, 128), (40, 64)]
