"""A method fits, transforms, is cloned, searched and piped as any estimator; mistakes are one line."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from torch import nn
from torch.optim import SGD

from likeness.core import Method
from likeness.errors import InputError
from likeness.represent.autoencoder import Autoencoder
from likeness.represent.estimator import Representation


def made(d: int = 6, d_z: int = 2) -> Autoencoder:
    torch.manual_seed(0)
    return Autoencoder(nn.Linear(d, d_z), nn.Linear(d_z, d), latent=(d_z,))


@pytest.fixture
def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    return (np.eye(2)[y] @ rng.normal(size=(2, 6)) * 3 + 0.3 * rng.normal(size=(200, 6))).astype(np.float32), y


def test_it_learns_the_principal_plane_and_leaves_the_method_it_was_given(rows) -> None:
    X, _ = rows
    method = made()
    before = method.E.weight.clone()
    found = Representation(method, steps=150, lr=5e-2, batch_size=200).fit(X)
    assert torch.equal(method.E.weight, before)
    z = np.c_[found.transform(X), np.ones(len(X))]
    error = ((z @ np.linalg.lstsq(z, X, rcond=None)[0] - X) ** 2).sum()
    plane = PCA(2).fit(X)
    best = ((plane.inverse_transform(plane.transform(X)) - X) ** 2).sum()
    assert error < 1.1 * best
    assert found.losses_[-1]["error"] < found.losses_[0]["error"]
    assert found.get_feature_names_out().tolist() == ["representation0", "representation1"]


def test_the_seed_decides_and_fitting_twice_gives_the_same(rows) -> None:
    X, _ = rows
    found = Representation(made(), steps=20, batch_size=32)
    a = found.fit_transform(X)
    assert (a == found.fit_transform(X)).all()
    assert (a == clone(found).fit_transform(X)).all()
    assert (a != found.set_params(seed=1).fit_transform(X)).any()
    state = torch.get_rng_state()
    found.fit(X)
    assert torch.equal(state, torch.get_rng_state())


def test_in_a_pipeline_and_a_search(rows) -> None:
    X, y = rows
    pipe = make_pipeline(Representation(made(), batch_size=64), LogisticRegression())
    search = GridSearchCV(pipe, {"representation__steps": [1, 100]}, cv=2).fit(X, y)
    assert search.best_score_ > 0.95
    assert search.get_params()["estimator__representation__batch_size"] == 64


def test_flattened_images_and_an_optimiser_of_ones_own() -> None:
    x = torch.rand(40, 1, 4, 4)
    E, D = nn.Sequential(nn.Flatten(), nn.Linear(16, 3)), nn.Sequential(nn.Linear(3, 16), nn.Unflatten(1, (1, 4, 4)))
    method = Autoencoder(E, D, latent=(3,))
    given = {"steps": 5, "batch_size": 8, "optimiser": lambda params: SGD(params, 0.1)}
    whole = Representation(method, **given).fit_transform(x)
    flat = Representation(method, event=(1, 4, 4), **given).fit_transform(x.flatten(1).numpy())
    assert whole.shape == (40, 3)
    assert (whole == flat).all()


def test_labels_reach_a_method_that_asks_for_them(rows) -> None:
    class Supervised(Method):
        def __init__(self) -> None:
            super().__init__()
            self.f = nn.Linear(6, 2)

        def encode(self, x):
            with torch.no_grad():
                return self.f(x)

        def updates(self, batch):
            yield self, lambda: {"error": nn.functional.cross_entropy(self.f(batch.x), batch.y)}

    X, y = rows
    z = Representation(Supervised(), steps=200, lr=1e-2).fit(X, y).transform(X)
    assert (z.argmax(1) == y).mean() > 0.97


def test_mistakes_are_one_line(rows) -> None:
    X, y = rows
    found = Representation(made(), steps=2)
    with pytest.raises(NotFittedError):
        found.transform(X)
    with pytest.raises(InputError, match="200 samples and 199 labels"):
        found.fit(X, y[1:])
    with pytest.raises(InputError, match="of 5 numbers, it learned 6"):
        found.fit(X).transform(X[:, :5])
    with pytest.raises(InputError, match="cannot be"):
        Representation(made(), event=(1, 4, 4)).fit(X)
    with pytest.raises(InputError, match="Method has no encode"):
        Representation(Method()).fit(X)
    X[3, 1] = np.inf
    with pytest.raises(InputError, match="sample 3 holds NaN or infinity"):
        found.fit(X)
