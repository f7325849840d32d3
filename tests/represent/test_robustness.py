"""Accuracy falls with severity, noise is paired and leaves torch's own alone, and a ratio to oneself is one."""

import pytest
import torch

from likeness.data import load, whole
from likeness.errors import InputError
from likeness.represent.probes import fitted_linear
from likeness.represent.robustness import brightness, contrast, images, mean_corruption_error, robustness


@pytest.fixture(scope="module")
def found():
    data = load("digits")
    train, test = whole(data.train), whole(data.test)

    def pixels(x):
        return x.flatten(1)

    def centred(x):
        return pixels(x) - pixels(x).mean(1, keepdim=True)

    made = {}
    for name, encode in (("pixels", pixels), ("centred", centred)):
        probe = fitted_linear(encode(train.x), train.y, strengths=[0.1])
        made[name] = robustness(encode, probe, test.x, test.y, images(), seed=3)
    return made


def test_accuracy_falls_with_severity(found) -> None:
    rows = found["pixels"]
    clean = rows["clean"][0]
    assert clean > 0.9
    for kind in ("gaussian", "masking", "salt-and-pepper"):
        assert rows[kind][0] > rows[kind][-1]
        assert rows[kind][-1] < clean - 0.1
        assert rows[kind] == sorted(rows[kind], reverse=True)


def test_the_ratio_is_one_to_oneself_and_below_for_what_is_more_robust(found) -> None:
    assert mean_corruption_error(found["pixels"], found["pixels"]) == 1
    ratio = mean_corruption_error(found["centred"], found["pixels"])
    assert mean_corruption_error(found["pixels"], found["centred"]) != ratio
    perfect = {"clean": [1.0], "a": [1.0]}
    assert mean_corruption_error({"clean": [1.0], "a": [0.5]}, perfect) == torch.inf
    assert mean_corruption_error(perfect, perfect) == 1
    with pytest.raises(InputError, match="measure both on the same"):
        mean_corruption_error(found["pixels"], perfect)


def test_noise_is_the_same_for_every_representation_and_torchs_state_stands() -> None:
    x, y, seen = torch.zeros(6, 1, 4, 4), torch.arange(6) % 2, []
    probe = fitted_linear(torch.randn(6, 16), y)
    state = torch.get_rng_state()

    def encode(x):
        seen.append(x)
        return x.flatten(1)

    for _ in range(2):
        robustness(encode, probe, x, y, {"noise": images()["gaussian"][:1]}, seed=5)
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(seen[1], seen[3])
    assert not torch.equal(seen[0], seen[1])
    with pytest.raises(InputError, match="named 'clean'"):
        robustness(encode, probe, x, y, {"clean": []})


def test_light_and_contrast_of_known_images() -> None:
    x = torch.tensor([[[[-1.0, 0.5], [1.0, 0.0]]]])
    assert brightness(0.4)(x).flatten().tolist() == pytest.approx([-0.6, 0.9, 1.0, 0.4])
    mean = 0.125
    assert torch.allclose(contrast(0.0)(x), torch.full_like(x, mean))
    assert torch.allclose(contrast(1.0)(x), x)
    assert torch.allclose(contrast(0.5)(x).mean(), torch.tensor(mean))
    with pytest.raises(InputError, match="contrast of -1"):
        contrast(-1)
