"""The formula on a table, Eckart and Young's bound, and the analogies of the made corpus."""

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from likeness.data.made_words import questions, sentences
from likeness.data.words import corpus
from likeness.embed.nearest import right
from likeness.embed.negatives import law, optimum
from likeness.embed.ppmi import factors, fit, ppmi
from likeness.errors import InputError

X = np.array([[4.0, 1.0, 0.0], [1.0, 0.0, 3.0], [0.0, 3.0, 2.0]])


@pytest.mark.parametrize("k", [1, 2])
def test_it_is_what_skip_gram_tends_to_where_that_is_above_zero(k: int) -> None:
    wanted = optimum(torch.from_numpy(X), law(X.sum(0)), k).clamp(min=0)
    np.testing.assert_allclose(ppmi(csr_matrix(X), k=k).toarray(), wanted)


def test_the_factors_are_the_best_of_their_rank() -> None:
    rng = np.random.default_rng(0)
    M = rng.random((20, 20))
    M = M + M.T
    s = np.linalg.svd(M, compute_uv=False)
    W = factors(csr_matrix(M), 5, p=1.0).double().numpy()
    left = M - W @ np.linalg.pinv(W) @ M
    assert np.linalg.norm(left) ** 2 == pytest.approx((s[5:] ** 2).sum(), rel=1e-4)
    np.testing.assert_allclose(np.linalg.norm(W, axis=0), s[:5], rtol=1e-5)
    torch.testing.assert_close(factors(csr_matrix(M), 5), factors(csr_matrix(M), 5, seed=3), atol=1e-4, rtol=1e-4)


def test_the_analogies_of_the_made_corpus() -> None:
    found = fit(corpus(sentences(15_000, noise=0.2), minimum=1), d=8, window=6)
    asked = torch.tensor([[found.id(word) for word in q] for q in questions()])
    assert right(found.table, asked) == 60


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="d 3 of 3 words"):
        factors(csr_matrix(X), 3)
    with pytest.raises(InputError, match=r"k 0\.5"):
        ppmi(csr_matrix(X), k=0.5)
    with pytest.raises(InputError, match="no two words stand together"):
        ppmi(csr_matrix((3, 3)))
