import torch

from likeness.data.truth import Mixture
from likeness.diffusion.autoguidance import autoguided
from likeness.diffusion.denoisers import Prediction, predict
from likeness.diffusion.oracle import Exact

MEANS = torch.tensor([[-1.0, 0.0], [1.0, 0.0]])


def test_equal_models_change_nothing() -> None:
    D, x, sigma = Exact(Mixture(MEANS, 0.4)), torch.randn(20, 2), torch.rand(20) + 0.1
    assert torch.equal(autoguided(D, D, 5.0)(x, sigma), D(x, sigma))
    assert autoguided(D, Exact(Mixture(MEANS, 0.9)), 1.0) is D


def test_a_worse_model_with_the_same_kind_of_error_takes_it_out() -> None:
    """Errors that are 1 and 2 times the same: the line through both, at s = 2, ends in the truth."""
    right, error = Exact(Mixture(MEANS, 0.4)), torch.tensor([0.3, -0.2])
    better, worse = (lambda x, s, k=k: right(x, s) + k * error for k in (1, 2))
    x, sigma = torch.randn(20, 2), torch.rand(20) + 0.1
    torch.testing.assert_close(autoguided(better, worse, 2.0)(x, sigma), right(x, sigma), atol=1e-5, rtol=1e-5)


def test_variances_are_those_of_the_better_model() -> None:
    class Known:
        def __call__(self, x, sigma):
            return x

        def predict(self, x, sigma):
            return Prediction(x, torch.full_like(x, 0.25))

    x, sigma = torch.randn(3, 2), torch.ones(3)
    found = predict(autoguided(Known(), lambda x, s: 0 * x, 3.0), x, sigma)
    torch.testing.assert_close(found.x0, 3 * x)
    assert found.v is not None
    assert float(found.v.mean()) == 0.25
