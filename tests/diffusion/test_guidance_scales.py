import pytest
import torch

from likeness.data.truth import Mixture
from likeness.diffusion.classifier_guidance import guiding
from likeness.diffusion.ddim import ddim
from likeness.diffusion.guidance_scales import InTurn, class_accuracy, swept
from likeness.diffusion.oracle import Exact
from likeness.diffusion.schedules import cosine
from likeness.errors import InputError
from likeness.judge import classifier
from likeness.judge.features import raw
from likeness.sampling import draw

TRUTH = Mixture(torch.tensor([[-2.0, 0.0], [2.0, 0.0], [0.0, 2.0]]), 0.6, labels=torch.tensor([0, 1, 2]))
D = Exact(TRUTH)


def at(scale: float):
    return guiding(
        lambda y: D, D.log_class, ddim(), cosine(1000).levels(50), (2,), frequencies=torch.ones(3), scale=scale
    )


def test_accuracy_rises_and_variety_falls_with_the_scale() -> None:
    known = TRUTH.labelled(1500, generator=3)
    space = classifier(known.x, known.y)
    found = list(swept(at, 3, 600, scales=(0.0, 0.5, 1.0, 4.0), batch_size=70))
    assert [d.scale for d in found] == [0, 0.5, 1, 4]
    accuracy = [class_accuracy(space, d.x, d.y) for d in found]
    assert accuracy[0] == pytest.approx(1 / 3, abs=0.08)
    assert accuracy == sorted(accuracy)
    assert accuracy[-1] > 0.99
    spread = [float(torch.stack([d.x[d.y == c].var(0).sum() for c in range(3)]).mean()) for d in found]
    assert spread == sorted(spread, reverse=True)


def test_each_class_in_turn_wherever_the_batch_is_cut() -> None:
    sampler = InTurn(at(2.0), 3)
    x = draw(sampler, 30, generator=0)
    assert torch.allclose(x, draw(sampler, 30, generator=0, batch_size=7), atol=1e-4)
    assert torch.equal(sampler.labels(4, first=2), torch.tensor([2, 0, 1, 2]))
    right = D.log_class(x, torch.full((30,), 1e-3), sampler.labels(30)).exp()
    assert float(right.mean()) > 0.99


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="scale -1"):
        list(swept(at, 3, 10, scales=(-1.0,)))
    with pytest.raises(InputError, match="raw knows no classes"):
        class_accuracy(raw(), torch.randn(3, 2), torch.zeros(3, dtype=torch.long))
