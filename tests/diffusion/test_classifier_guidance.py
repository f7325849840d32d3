"""With the exact posterior draws are of their class; a noisy classifier learns it; both forms, both rules."""

import pytest
import torch
from torch import nn
from torch.optim import Adam

from likeness.core import train
from likeness.data.batch import Batch
from likeness.data.truth import Mixture
from likeness.diffusion.ancestral import ancestral
from likeness.diffusion.classifier_guidance import NoisyClassifier, classifier_guided, guiding
from likeness.diffusion.ddim import ddim
from likeness.diffusion.oracle import Exact
from likeness.diffusion.sampler import Rule
from likeness.diffusion.schedules import cosine
from likeness.diffusion.steering import guided, pushed
from likeness.errors import InputError
from likeness.nn.dropout import Dropout
from likeness.sampling import draw
from likeness.testing import check_method

TRUTH = Mixture(torch.tensor([[-2.0, 0.0], [2.0, 0.0], [0.0, 2.0]]), 0.5, labels=torch.tensor([0, 1, 2]))
D, LEVELS, EVEN = Exact(TRUTH), cosine(1000).levels(120), torch.ones(3)


@pytest.mark.parametrize(("steer", "rule"), [(guided, ddim()), (pushed, ddim()), (pushed, ancestral())])
def test_guidance_draws_the_class_and_sharpens_it(steer, rule: Rule) -> None:
    spread = []
    for scale in (1.0, 2.0, 4.0):
        sampler = guiding(lambda y: D, D.log_class, rule, LEVELS, (2,), frequencies=EVEN, scale=scale, steer=steer)
        y = torch.arange(3000) % 3
        x = sampler(3000, generator=0, y=y)
        right = D.log_class(x, torch.full((3000,), 1e-3), y) > torch.tensor(0.5).log()
        assert float(right.float().mean()) >= 0.99
        spread.append(float(torch.stack([x[y == c].var(0).sum() for c in range(3)]).mean()))
    assert spread[0] == pytest.approx(2 * 0.25, rel=0.1), "at s = 1 it is the class itself"
    assert spread[0] > spread[1] > spread[2]


def test_no_scale_is_the_model_without_classes() -> None:
    y = torch.zeros(40, dtype=torch.long)
    assert classifier_guided(D, D.log_class, y, 0.0, classes=3) is D


def test_classes_are_drawn_by_frequency_and_a_draw_belongs_to_its_place() -> None:
    sampler = guiding(lambda y: D, D.log_class, ddim(), LEVELS, (2,), frequencies=torch.tensor([3, 1, 0]))
    x = draw(sampler, 400, generator=1)
    left = float((x[:, 0] < 0).float().mean())
    assert left == pytest.approx(0.75, abs=0.06)
    assert torch.allclose(x, draw(sampler, 400, generator=1, batch_size=90), atol=1e-5)


class Net(nn.Module):
    """A small classifier, told of the level as 1000 t."""

    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, classes))
        self.dropout = Dropout(0.1)

    def forward(self, x, t):
        return self.body(self.dropout(torch.cat((x, t[:, None] / 1000), 1)))


def test_contract() -> None:
    batch = TRUTH.labelled(16, generator=0)
    check_method(lambda: NoisyClassifier(Net(), cosine(50), classes=3), batch, lambda m: Adam(m.parameters(), 1e-3))


def test_it_learns_the_posterior_at_every_level() -> None:
    torch.manual_seed(0)
    model = NoisyClassifier(Net(), cosine(200), classes=3)
    model.F.dropout.p = 0.0
    batches = (TRUTH.labelled(256, generator=i) for i in range(700))
    for _ in train(model, batches, Adam(model.parameters(), 5e-3)):
        pass
    clean, levels = TRUTH.labelled(4000, generator=9), torch.tensor([0.1, 1.0, 5.0])
    found = model.accuracy(clean.x, clean.y, levels)
    assert found[0] > 0.98
    assert found[0] > found[1] > found[2]
    for level, ours in zip(levels, found, strict=True):
        x, sigma = clean.x + level * torch.randn_like(clean.x), level.expand(4000)
        each = torch.stack([D.log_class(x, sigma, torch.full((4000,), c)) for c in range(3)], 1)
        best = float((each.argmax(1) == clean.y).float().mean())
        assert float(ours) == pytest.approx(best, abs=0.03), "as accurate as Bayes allows"
        assert float((model.logits(x, sigma).detach().softmax(1) - each.exp()).abs().mean()) < 0.05
    assert model.F.training
    y = torch.zeros(500, dtype=torch.long)
    x = guiding(lambda y: D, model.log_class, ddim(), LEVELS, (2,), frequencies=EVEN)(500, generator=0, y=y)
    assert float((x[:, 0] < -1).float().mean()) > 0.95
    torch.testing.assert_close(x.mean(0), TRUTH.means[0], atol=0.15, rtol=0)


def test_its_log_class_is_that_of_the_evaluated_network() -> None:
    model, x, y = NoisyClassifier(Net(), cosine(50), classes=3), torch.randn(5, 2), torch.tensor([0, 1, 2, 0, 1])
    sigma = torch.ones(5)
    once = model.log_class(x, sigma, y)
    assert torch.equal(once, model.log_class(x, sigma, y)), "no dropout"
    each = torch.stack([model.log_class(x, sigma, torch.full((5,), c)) for c in range(3)])
    torch.testing.assert_close(each.exp().sum(0), torch.ones(5))
    torch.testing.assert_close(each[y, torch.arange(5)], once)


def test_bad_labels_are_named() -> None:
    with pytest.raises(InputError, match="none were given"):
        classifier_guided(D, D.log_class, None, classes=3)
    with pytest.raises(InputError, match="class 5"):
        guiding(lambda y: D, D.log_class, ddim(), LEVELS, (2,), frequencies=EVEN)(2, y=torch.tensor([0, 5]))
    model = NoisyClassifier(Net(), cosine(50), classes=3)
    with pytest.raises(InputError, match="the data have none"):
        next(iter(model.updates(Batch(torch.randn(4, 2)))))
    with pytest.raises(InputError, match="class 3"):
        next(iter(model.updates(Batch(torch.randn(4, 2), torch.tensor([0, 1, 2, 3])))))
