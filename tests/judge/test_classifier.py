import pytest
import torch

from likeness.errors import InputError
from likeness.judge.classifier import calibration, classifier
from likeness.judge.features import features_of


@pytest.mark.parametrize(("event", "steps"), [((3,), 1000), ((1, 16, 16), 200)])
def test_it_learns_separate_classes(event, steps):
    y = torch.arange(300) % 3
    x = y.reshape(-1, *[1] * len(event)) * 2.0 + 0.1 * torch.randn(300, *event)
    space = classifier(x, y, features=16, steps=steps)
    features = features_of(space, x)
    assert features.shape == (300, 16)
    c = space.probabilities(features)
    assert torch.allclose(c.sum(1), torch.ones(300))
    assert (c.argmax(1) == y).float().mean() > 0.98
    assert space.findings == ()


def test_a_seed_fixes_it_and_leaves_the_global_state_alone():
    x, y = torch.randn(60, 2), torch.arange(60) % 2
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first = classifier(x, y, steps=5).weights
    assert torch.equal(torch.rand(1), expected)
    assert first == classifier(x, y, steps=5).weights != classifier(x, y, steps=5, seed=1).weights


def test_labels_without_meaning_are_noticed():
    found = classifier(torch.randn(200, 4), torch.randint(2, (200,)), steps=600).findings
    assert [f.code for f in found] == ["classifier-uncalibrated", "classifier-inaccurate"]


def test_calibration_in_closed_form():
    c = torch.tensor([[0.75, 0.25]]).repeat(8, 1)
    assert calibration(c, torch.tensor([0, 0, 0, 0, 0, 0, 1, 1])) == pytest.approx((0.75, 0))
    assert calibration(c, torch.tensor([0, 0, 0, 0, 1, 1, 1, 1])) == pytest.approx((0.5, 0.25))


def test_labels_that_do_not_fit():
    with pytest.raises(InputError, match="label for each of 4 samples, got 0"):
        classifier(torch.randn(4, 2))
    with pytest.raises(InputError, match="got 0 to 0: add a second class"):
        classifier(torch.randn(4, 2), torch.zeros(4, dtype=torch.long))
