"""Probes agree with scikit-learn's, choose without the test rows, and find what is there to be found."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from likeness.errors import InputError
from likeness.represent import probes as p

Y = torch.arange(300) % 3


@pytest.fixture(scope="module")
def digits() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    x, y = (torch.from_numpy(v) for v in load_digits(return_X_y=True))
    return x[:600].float(), y[:600], x[600:1200].float(), y[600:1200]


@pytest.mark.parametrize(("cosine", "metric"), [(False, "euclidean"), (True, "cosine")])
@pytest.mark.parametrize("k", [1, 5])
def test_knn_is_scikit_learns(digits, cosine: bool, metric: str, k: int) -> None:
    z, y, z_test, y_test = digits
    peer = KNeighborsClassifier(k, metric=metric, algorithm="brute").fit(z.double().numpy(), y.numpy())
    probe = p.fitted_knn(z, y, k=k, cosine=cosine)
    expected = peer.predict(z_test.double().numpy())
    assert (probe.predict(z_test).numpy() != expected).mean() < 0.002  # whole numbers: a few distances tie exactly
    assert p.knn(z, y, z_test, y_test, k=k, cosine=cosine) == pytest.approx(
        (expected == y_test.numpy()).mean(), abs=0.002
    )


def test_k_is_chosen_by_leaving_one_out() -> None:
    z = torch.eye(3)[Y] + 1.2 * torch.randn(300, 3)
    probe = p.fitted_knn(z, Y, k=(1, 30), cosine=False)
    alone = []
    for i in range(300):
        rest = torch.arange(300) != i
        alone.append(bool(p.fitted_knn(z[rest], Y[rest], k=30, cosine=False).predict(z[i : i + 1])[0] == Y[i]))
    assert probe.chosen == 30
    assert probe.heldout == pytest.approx(np.mean(alone))


def test_linear_is_logistic_regression_with_the_c_that_held_out_rows_choose(digits) -> None:
    z, y, z_test, y_test = digits
    probe = p.fitted_linear(z, y)
    peer = make_pipeline(StandardScaler(), LogisticRegression(C=probe.chosen, max_iter=5000, tol=1e-6))
    peer.fit(z.double().numpy(), y.numpy())
    assert (probe.predict(z_test).numpy() == peer.predict(z_test.double().numpy())).mean() > 0.985
    assert probe.heldout == pytest.approx(probe.accuracy(z_test, y_test), abs=0.06)
    assert p.linear(z, y, z_test, y_test) == probe.accuracy(z_test, y_test)
    assert probe.accuracy(z_test, y_test) > 0.86


def test_many_noisy_columns_ask_for_a_strong_penalty_and_few_clean_ones_for_a_weak_one() -> None:
    noisy = torch.cat((torch.eye(3)[Y], 2 * torch.randn(300, 200)), 1) + torch.randn(300, 203)
    strong, weak = p.fitted_linear(noisy, Y), p.fitted_linear(torch.eye(3)[Y] * 3 + 0.3 * torch.randn(300, 3), Y)
    assert strong.chosen < 1
    fixed = p.fitted_linear(noisy, Y, strengths=[100.0])
    fresh = torch.cat((torch.eye(3)[Y], 2 * torch.randn(300, 200)), 1) + torch.randn(300, 203)
    assert strong.accuracy(fresh, Y) >= fixed.accuracy(fresh, Y)
    assert weak.accuracy(torch.eye(3)[Y] * 3, Y) == 1


@pytest.mark.parametrize("classes", [2, 3])
def test_few_rows_of_many_columns_give_the_same_regression(classes: int) -> None:
    y = torch.arange(60) % classes
    z = torch.cat((torch.eye(classes)[y], torch.randn(60, 197)), 1)
    fresh = torch.randn(500, z.shape[1])
    probe = p.fitted_linear(z, y, strengths=[0.1])
    peer = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=5000, tol=1e-8)).fit(z.numpy(), y.numpy())
    weights = probe.predict.args[0][-1]  # type: ignore[attr-defined]  # the regression of a pipeline
    assert weights.coef_ == pytest.approx(peer[-1].coef_, abs=1e-3)  # lbfgs ends at a gradient of 1e-4
    assert (probe.predict(fresh).numpy() == peer.predict(fresh.numpy())).mean() > 0.995


def test_the_search_ends_after_two_that_are_worse_and_finds_what_all_would(monkeypatch: pytest.MonkeyPatch) -> None:
    z = torch.cat((torch.eye(3)[Y], torch.zeros(300, 400)), 1) + torch.randn(300, 403)
    asked, inside = [], p._inside
    monkeypatch.setattr(p, "_inside", lambda x, y, path: _seen(inside(x, y, path), asked))
    probe = p.fitted_linear(z, Y)
    tried = sorted(set(asked))
    assert tried == list(p.STRENGTHS[: p.STRENGTHS.index(probe.chosen) + 3])
    assert len(tried) < len(p.STRENGTHS)
    monkeypatch.setattr(p, "WORSE", len(p.STRENGTHS))
    asked.clear()
    assert p.fitted_linear(z, Y).chosen == probe.chosen
    assert sorted(set(asked)) == list(p.STRENGTHS)


def _seen(models, asked: list[float]):
    for model in models:
        asked.append(model.C)
        yield model


def test_test_rows_change_nothing_but_their_own_prediction() -> None:
    z = torch.eye(3)[Y] + torch.randn(300, 3)
    for probe in (p.fitted_linear(z, Y), p.fitted_knn(z, Y)):
        together = probe.predict(torch.cat((z[:9], 1000 * torch.randn(50, 3))))[:9]
        apart = torch.cat([probe.predict(row[None]) for row in z[:9]])
        assert torch.equal(together, apart)


def test_rows_of_classes_that_are_not_counted_from_zero() -> None:
    z, y = torch.eye(3)[Y] + 0.1 * torch.randn(300, 3), Y * 3 + 2
    assert p.linear(z, y, z, y) == p.knn(z, y, z, y) == 1


def test_one_label_a_class_is_enough_to_fit() -> None:
    z, y = torch.eye(4) * 5, torch.arange(4)
    probe = p.fitted_linear(z, y)
    assert (probe.chosen, probe.heldout) == (1.0, None)
    assert probe.accuracy(z, y) == 1
    assert p.fitted_knn(z, y).chosen in (1, 3)


def test_one_class_no_label_or_a_row_that_is_no_number_is_refused() -> None:
    z = torch.randn(300, 2)
    with pytest.raises(InputError, match="labels of 1 class"):
        p.fitted_linear(z, torch.zeros(300).long())
    with pytest.raises(InputError, match="300 rows of features and 299 labels"):
        p.fitted_knn(z, Y[1:])
    with pytest.raises(InputError, match=r"k = 300 of 300 rows: give 1 to 299"):
        p.fitted_knn(z, Y, k=300)
    with pytest.raises(InputError, match="C above zero"):
        p.fitted_linear(z, Y, strengths=[0.0])
    z[7, 1] = torch.nan
    with pytest.raises(InputError, match="row 7 are not finite"):
        p.fitted_linear(z, Y)


def test_labels_are_drawn_evenly_and_the_first_are_among_more() -> None:
    y = torch.cat((torch.zeros(100), torch.ones(50), torch.full((4,), 2))).long()
    few, many = p.drawn_labels(y, 12, seed=1), p.drawn_labels(y, 40, seed=1)
    assert y[few].bincount().tolist() == [4, 4, 4]
    assert y[many].bincount().tolist() == [18, 18, 4]
    assert set(few.tolist()) <= set(many.tolist())
    assert set(few.tolist()) != set(p.drawn_labels(y, 12, seed=2).tolist())
    assert len(p.drawn_labels(y, 10**6)) == 154
    with pytest.raises(InputError, match="2 labels of 3 classes"):
        p.drawn_labels(y, 2)


def test_ridge_finds_a_linear_map_and_is_scikit_learns() -> None:
    z, W = torch.randn(200, 5), torch.randn(5, 2)
    y = z @ W + 0.1 * torch.randn(200, 2)
    found = p.ridge(z[:150], y[:150], z[150:], y[150:])
    assert found > 0.98
    assert p.ridge(z[:150], torch.randn(150), z[150:], torch.randn(50)) < 0.1
    peer = make_pipeline(StandardScaler(), Ridge(1.0)).fit(z[:150].numpy(), y[:150].numpy())
    alone = p.ridge(z[:150], y[:150], z[150:], y[150:], alphas=[1.0])
    assert alone == pytest.approx(peer.score(z[150:].numpy(), y[150:].numpy()), abs=1e-5)


def test_few_labels_of_separable_features_and_noise() -> None:
    z = torch.eye(3)[Y] * 20 + torch.randn(300, 3)
    assert min(p.few_labels(z, Y, z, Y, per_class=1)) > 0.99
    noise = p.few_labels(torch.randn(300, 3), Y, torch.randn(300, 3), Y, per_class=5)
    assert 0.2 < sum(noise) / len(noise) < 0.47


def test_the_scale_of_a_code_does_not_matter_and_draws_are_paired() -> None:
    z = torch.eye(3)[Y] + torch.randn(300, 3)
    scaled = z * torch.tensor([1.0, 1000.0, 0.01]) + 5
    a, b = (p.few_labels(c, Y, c, Y, per_class=3) for c in (z, scaled))
    assert a == pytest.approx(b, abs=0.01)
    assert len(set(a)) > 1
    assert a == p.few_labels(z, Y, z, Y, per_class=3)


def test_more_labels_than_there_are_are_refused() -> None:
    with pytest.raises(InputError, match="the rarest has 100"):
        p.few_labels(torch.randn(300, 2), Y, torch.randn(9, 2), torch.zeros(9).long(), per_class=101)
