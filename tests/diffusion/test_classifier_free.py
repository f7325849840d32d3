"""With exact denoisers it is classifier guidance with the exact posterior; its ends are the models themselves."""

import pytest
import torch

from likeness.data.truth import Mixture
from likeness.diffusion.classifier_free import classifier_free
from likeness.diffusion.classifier_guidance import classifier_guided
from likeness.diffusion.denoisers import PARAMETERISATIONS, Preconditioned, Prediction
from likeness.diffusion.oracle import Exact
from likeness.diffusion.schedules import cosine
from likeness.errors import InputError
from likeness.nn.time_mlp import TimeMLP

TRUTH = Mixture(
    torch.tensor([[-2.0, 0.0], [2.0, 0.0], [0.0, 2.0], [1.0, -2.0]]),
    0.6,
    weights=torch.tensor([0.4, 0.3, 0.2, 0.1]),
    labels=torch.tensor([0, 1, 2, 2]),
)


class Oracle:
    """E[x₀ | x, y] of the mixture; the label after the last class is none. Its variance is the label's."""

    def __init__(self) -> None:
        self.of = [*(Exact(TRUTH.of_class(c)) for c in range(3)), Exact(TRUTH)]
        self.calls = 0

    def predict(self, x, sigma, y=None):
        self.calls += 1
        each = torch.stack([D(x, sigma) for D in self.of])
        return Prediction(each[y, torch.arange(len(x))], y[:, None].to(x).expand_as(x))


@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0, 2.0, 7.5])
def test_it_is_classifier_guidance_without_a_classifier(scale: float) -> None:
    x, sigma, y = 2 * torch.randn(50, 2).double(), torch.rand(50).double() * 3 + 0.2, torch.randint(3, (50,))
    free = classifier_free(Oracle(), y, scale, classes=3)(x, sigma)
    D = Exact(TRUTH)
    by_classifier = classifier_guided(D, D.log_class, y, scale, classes=3)(x, sigma)
    torch.testing.assert_close(free, by_classifier, atol=1e-8, rtol=1e-8)


def test_its_ends_and_its_one_batch() -> None:
    x, sigma, y = torch.randn(9, 2), torch.rand(9) + 0.2, torch.randint(3, (9,))
    for scale, label in ((1.0, y), (0.0, torch.full((9,), 3))):
        oracle = Oracle()
        found = classifier_free(oracle, y, scale, classes=3)(x, sigma)
        assert torch.equal(found, oracle.predict(x, sigma, label).x0)
    oracle = Oracle()
    found = classifier_free(oracle, y, 2.0, classes=3).predict(x, sigma)
    assert oracle.calls == 1
    assert torch.equal(found.v[:, 0], y.float()), "variances are those of the conditional model"


def test_the_label_of_a_network_for_none_is_the_one_after_its_last_class() -> None:
    torch.manual_seed(0)
    F = TimeMLP(2, width=16, classes=4)
    torch.nn.init.normal_(F.out.weight)
    D = Preconditioned(F, PARAMETERISATIONS["v"], cosine(50).told)
    x, sigma, y = torch.randn(9, 2), torch.rand(9) + 0.2, torch.randint(3, (9,))
    found = classifier_free(D, y, 2.5, classes=3)(x, sigma)
    given, none = D(x, sigma, y), D(x, sigma, torch.full((9,), 3))
    assert not torch.allclose(given, none, atol=1e-3)
    torch.testing.assert_close(found, none + 2.5 * (given - none), atol=1e-5, rtol=1e-5)


def test_labels_are_needed_and_checked() -> None:
    with pytest.raises(InputError, match="none were given"):
        classifier_free(Oracle(), None, 2.0, classes=3)
    with pytest.raises(InputError, match="class 3: this model knows 3"):
        classifier_free(Oracle(), torch.tensor([0, 3]), 2.0, classes=3)
