"""How far few labels go on a representation: logistic regression on standardised codes, over draws of the labels.

The representation is learned without labels and stands; k labels of each class are drawn, the regression learns from
these alone, and is tested on all test samples.
"""

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from likeness.errors import InputError


def accuracies(
    codes: Float[Tensor, "n d"],
    y: Int[Tensor, " n"],
    test: Float[Tensor, "m d"],
    y_test: Int[Tensor, " m"],
    *,
    per_class: int,
    draws: int = 10,
    seed: int = 0,
) -> list[float]:
    """Test accuracy for each draw of `per_class` labels a class; draw i takes the same samples for any codes.

    Codes are standardised by all training codes, which needs no labels.

    Raises:
        InputError: a class has fewer samples than labels are asked for.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    labels, n = y.numpy(), y.bincount()
    if per_class < 1 or int(n[n > 0].min()) < per_class:
        raise InputError(f"{per_class} labels of each class: the rarest has {int(n[n > 0].min())}, use 1 to as many")
    scaler = StandardScaler().fit(codes.double().numpy())
    z, z_test = scaler.transform(codes.double().numpy()), scaler.transform(test.double().numpy())
    found = []
    for i in range(draws):
        rng = np.random.default_rng((seed, i))
        known = np.concatenate([rng.permutation(np.flatnonzero(labels == c))[:per_class] for c in np.unique(labels)])
        model = LogisticRegression(max_iter=2000).fit(z[known], labels[known])
        found.append(float(model.score(z_test, y_test.numpy())))
    return found
