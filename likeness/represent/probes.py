"""What can be read from features that stand: simple predictors learned on top, and how well they do on test samples.

    linear    multinomial logistic regression on standardised features, with a penalty ‖W‖² / (2C):
              min  Σ_i −log softmax(W z_i + b)[y_i] + ‖W‖² / (2C)                                   (1)
              of fewer rows than columns  z_i = Q r_i,  QᵀQ = 1:  W = V Qᵀ, V by (1) of r_i         (2)
    k-NN      the class that most of the k nearest training rows have                               (3)
    ridge     for numbers instead of classes:  min  Σ_i ‖W z_i + b − y_i‖² + α ‖W‖²                 (4)

(2) is exact: what of W lies outside the span of the rows costs and tells nothing. C is chosen by rows held out of the
training rows (five folds, or one fifth where there are many), from the strongest penalty on until two in a row were
worse than the best; k and α by leaving each training row out in turn. Test rows decide nothing: what is fitted
(`Probe`) does not see them. Features are standardised by all training rows.

(1) Guillaume Alain, Yoshua Bengio. Understanding intermediate layers using linear classifier probes. 2016.
    https://arxiv.org/abs/1610.01644
(2) Trevor Hastie, Robert Tibshirani. Efficient quadratic regularization for expression arrays. Biostatistics 5, 2004.
"""

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from likeness.errors import InputError
from likeness.represent.nearest import nearest, nearest_to

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)  # C, the strongest penalty first
NEIGHBOURS = (1, 3, 5, 10, 20, 50)
MANY = 2000  # rows from which on one fifth held out tells enough
WORSE = 2  # values of C in a row, after which weaker penalties are not tried


class Probe(NamedTuple):
    """A predictor of classes, fitted to training rows.

    Attributes:
        chosen: the C or the k it was fitted with.
        heldout: its accuracy on the held-out training rows that chose it; None where nothing was chosen.
    """

    predict: Callable[[Tensor], Tensor]
    chosen: float
    heldout: float | None = None

    def accuracy(self, z: Float[Tensor, "m d"], y: Int[Tensor, " m"]) -> float:
        """The share of these rows that it gets right."""
        return float((self.predict(z) == y).double().mean())


def linear(
    z: Float[Tensor, "n d"],
    y: Int[Tensor, " n"],
    z_test: Float[Tensor, "m d"],
    y_test: Int[Tensor, " m"],
    *,
    strengths: Sequence[float] = STRENGTHS,
    seed: int = 0,
) -> float:
    """Test accuracy of `fitted_linear`."""
    return fitted_linear(z, y, strengths=strengths, seed=seed).accuracy(z_test, y_test)


def knn(
    z: Float[Tensor, "n d"],
    y: Int[Tensor, " n"],
    z_test: Float[Tensor, "m d"],
    y_test: Int[Tensor, " m"],
    *,
    k: int | Sequence[int] = NEIGHBOURS,
    cosine: bool = True,
) -> float:
    """Test accuracy of `fitted_knn`."""
    return fitted_knn(z, y, k=k, cosine=cosine).accuracy(z_test, y_test)


def fitted_linear(
    z: Float[Tensor, "n d"], y: Int[Tensor, " labels"], *, strengths: Sequence[float] = STRENGTHS, seed: int = 0
) -> Probe:
    """The linear probe, with the C of `strengths` that gives held-out rows the highest likelihood.

    Where a class has one row alone nothing can be held out, and C is the one nearest to 1.

    Args:
        seed: decides which rows are held out.

    Raises:
        InputError: labels of one class alone, or other in number than the rows; a row that is not finite; a C not
            above zero.
    """
    _check(z, y)
    if not strengths or min(strengths) <= 0:
        raise InputError(f"strengths {tuple(strengths)}: give one or more C above zero")
    x, labels, path = z.double().cpu().numpy(), y.cpu().numpy(), sorted(strengths)
    chosen, heldout = min(path, key=lambda c: abs(np.log(c))), None
    if len(path) > 1 and np.unique(labels, return_counts=True)[1].min() > 1:
        chosen, heldout = _searched(x, labels, path, seed)
    return Probe(partial(_predicted, next(_path(x, labels, [chosen]))), float(chosen), heldout)


def fitted_knn(
    z: Float[Tensor, "n d"], y: Int[Tensor, " labels"], *, k: int | Sequence[int] = NEIGHBOURS, cosine: bool = True
) -> Probe:
    """The k-NN probe (3); among classes with equally many votes the first wins.

    Args:
        k: given, or what it is chosen from; values beyond the rows there are left out.
        cosine: nearest by angle, else by Euclidean distance.

    Raises:
        InputError: as `fitted_linear`; no k that the rows are enough for.
    """
    _check(z, y)
    asked = [k] if isinstance(k, int) else sorted(k)
    possible = [v for v in asked if 1 <= v < len(z)]
    if not possible:
        raise InputError(
            f"k-NN with k = {', '.join(map(str, asked)) or 'nothing'} of {len(z)} rows: give 1 to {len(z) - 1}"
        )
    if len(possible) == 1:
        return Probe(partial(_voted, z, y, possible[0], cosine), possible[0])
    near = y[nearest(z, possible[-1], cosine=cosine).place]
    right = [float((_votes(near[:, :v], y) == y).double().mean()) for v in possible]
    best = max(range(len(possible)), key=lambda i: (right[i], -i))
    return Probe(partial(_voted, z, y, possible[best], cosine), possible[best], right[best])


def few_labels(
    z: Float[Tensor, "n d"],
    y: Int[Tensor, " n"],
    z_test: Float[Tensor, "m d"],
    y_test: Int[Tensor, " m"],
    *,
    per_class: int,
    draws: int = 10,
    seed: int = 0,
) -> list[float]:
    """Test accuracy of logistic regression (1) with C = 1 for each draw of `per_class` labels a class.

    Features are standardised by all training rows, which needs no labels. Draw i takes the same samples for any
    features, so that differences between features are paired.

    Raises:
        InputError: a class has fewer samples than labels are asked for.
    """
    labels, n = y.numpy(), y.bincount()
    if per_class < 1 or int(n[n > 0].min()) < per_class:
        raise InputError(f"{per_class} labels of each class: the rarest has {int(n[n > 0].min())}, use 1 to as many")
    x, x_test = standardised(z, z_test)
    found = []
    for i in range(draws):
        rng = np.random.default_rng((seed, i))
        known = np.concatenate([rng.permutation(np.flatnonzero(labels == c))[:per_class] for c in np.unique(labels)])
        model = next(_inside(x[known], labels[known], [1.0]))
        found.append(float(model.score(x_test, y_test.numpy())))
    return found


def drawn_labels(y: Int[Tensor, " n"], n: int, *, seed: int = 0) -> Int[Tensor, " k"]:
    """Places of `n` labels (of all, where there are fewer), as evenly over the classes as those allow.

    Raises:
        InputError: fewer labels than classes.
    """
    labels = y.numpy()
    if n < len(np.unique(labels)):
        raise InputError(f"{n} labels of {len(np.unique(labels))} classes: give one of each, or more")
    order = np.random.default_rng(seed).permutation(len(labels))
    rank = np.empty(len(labels), np.int64)
    for c in np.unique(labels):
        own = order[labels[order] == c]
        rank[own] = np.arange(len(own))
    first = order[np.argsort(rank[order], kind="stable")]
    return torch.from_numpy(first[:n].copy())


def ridge(
    z: Float[Tensor, "n d"],
    y: Float[Tensor, " n *event"],
    z_test: Float[Tensor, "m d"],
    y_test: Float[Tensor, " m *event"],
    *,
    alphas: Sequence[float] = (1e-2, 1e-1, 1.0, 10.0, 100.0, 1e3, 1e4),
) -> float:
    """R² on test rows of ridge regression (4), the mean over the numbers that are predicted.

    1 where all is told, 0 for the mean of the test rows, below where it is worse.
    """
    from sklearn.linear_model import RidgeCV

    x, x_test = standardised(z, z_test)
    model = RidgeCV(alphas).fit(x, y.flatten(1).double().numpy() if y.ndim > 1 else y.double().numpy())
    target = y_test.flatten(1).double().numpy() if y_test.ndim > 1 else y_test.double().numpy()
    return float(model.score(x_test, target))  # (4)


def standardised(z: Float[Tensor, "n d"], *others: Float[Tensor, "m d"]) -> list[np.ndarray]:
    """These rows and others, by mean and spread of these; a constant column becomes zero."""
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(z.double().cpu().numpy())
    return [scaler.transform(part.double().cpu().numpy()) for part in (z, *others)]


def _check(z: Tensor, y: Tensor) -> None:
    if len(z) != len(y):
        raise InputError(f"{len(z)} rows of features and {len(y)} labels: give one label a row")
    if len(y.unique()) < 2:
        raise InputError(f"labels of {len(y.unique())} class: a probe tells classes apart, give two or more")
    if not bool(z.isfinite().all()):
        raise InputError(f"features of row {int((~z.isfinite()).any(1).nonzero()[0])} are not finite: leave it out")


def _searched(x: np.ndarray, labels: np.ndarray, path: Sequence[float], seed: int) -> tuple[float, float]:
    """The C whose held-out rows are likeliest, the mean over folds, and their accuracy."""
    from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit

    rarest, classes = np.unique(labels, return_counts=True)[1].min(), len(np.unique(labels))
    if len(x) >= MANY and len(x) // 5 >= classes:
        split: Any = StratifiedShuffleSplit(1, test_size=0.2, random_state=seed)
    else:
        split = StratifiedKFold(min(5, int(rarest)), shuffle=True, random_state=seed)
    folds = list(split.split(x, labels))
    paths = zip(*(_path(x[known], labels[known], path) for known, _ in folds), strict=True)
    likelihoods, right = [], []
    for models in paths:
        judged = [_judged(model, x[held], labels[held]) for model, (_, held) in zip(models, folds, strict=True)]
        likelihoods.append(np.mean([likelihood for likelihood, _ in judged]))
        right.append(np.mean([share for _, share in judged]))
        if len(right) - 1 - int(np.argmax(likelihoods)) == WORSE:
            break
    best = int(np.argmax(likelihoods))
    return path[best], float(right[best])


def _judged(model: Any, x: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    p = model.predict_proba(x)
    place = np.searchsorted(model.classes_, labels)
    return float(np.log(p[np.arange(len(x)), place].clip(1e-300)).mean()), float((p.argmax(1) == place).mean())


def _path(x: np.ndarray, labels: np.ndarray, path: Sequence[float]) -> Iterator[Any]:
    """A model of standardised rows for each C, made when it is asked for."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(x)
    for model in _inside(scaler.transform(x), labels, path):
        yield make_pipeline(scaler, model)


def _inside(x: np.ndarray, labels: np.ndarray, path: Sequence[float]) -> Iterator[Any]:
    """A model for each C, each begun where the one before ended, fitted to coordinates in the span of the rows (2)."""
    from sklearn.linear_model import LogisticRegression

    Q, before = None, None
    if len(x) < x.shape[1]:
        Q, R = np.linalg.qr(x.T)
        x = R.T  # (2)
    for C in path:
        model = LogisticRegression(C=C, max_iter=2000, warm_start=True)
        if before is not None:
            model.coef_, model.intercept_, model.classes_ = before.coef_.copy(), before.intercept_, before.classes_
        before = model.fit(x, labels)  # (1)
        yield model if Q is None else _outside(model, Q)


def _outside(model: Any, Q: np.ndarray) -> Any:
    """The same model of all columns."""
    made = copy(model)
    made.coef_, made.n_features_in_ = model.coef_ @ Q.T, len(Q)
    return made


def _predicted(model: Any, z: Tensor) -> Tensor:
    return torch.from_numpy(np.asarray(model.predict(z.double().cpu().numpy())))


def _voted(z: Tensor, y: Tensor, k: int, cosine: bool, q: Tensor) -> Tensor:
    return _votes(y[nearest_to(q, z, k, cosine=cosine).place], y)


def _votes(near: Tensor, y: Tensor) -> Tensor:
    counts = torch.zeros(len(near), int(y.max()) + 1, dtype=torch.int64)
    return counts.scatter_add_(1, near, torch.ones_like(near)).argmax(1)  # (3)
