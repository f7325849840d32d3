"""The neighbours are scikit-learn's, in whatever blocks, and a row is none of its own."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from likeness.errors import InputError
from likeness.represent import nearest as module
from likeness.represent.nearest import nearest, nearest_to


@pytest.mark.parametrize(("cosine", "metric"), [(False, "euclidean"), (True, "cosine")])
def test_agrees_with_scikit_learn(cosine: bool, metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    z, q = torch.randn(150, 7) + 1, torch.randn(40, 7)
    peer = NearestNeighbors(n_neighbors=6, metric=metric, algorithm="brute").fit(z.double().numpy())
    distance, index = peer.kneighbors(q.double().numpy())
    found = nearest_to(q, z, 6, cosine=cosine)
    np.testing.assert_array_equal(found.place, index)
    np.testing.assert_allclose(found.distance, distance, atol=1e-10)
    monkeypatch.setattr(module, "BLOCK", 300)  # two rows at once
    assert torch.equal(nearest_to(q, z, 6, cosine=cosine).place, found.place)
    _, among = peer.kneighbors()
    np.testing.assert_array_equal(nearest(z, 6, cosine=cosine).place, among)


def test_a_row_is_not_its_own_neighbour_though_its_copy_is() -> None:
    z = torch.tensor([[0.0], [0.0], [5.0]])
    assert nearest(z, 1).place.flatten()[:2].tolist() == [1, 0]


def test_too_many_neighbours_are_refused() -> None:
    with pytest.raises(InputError, match="3 neighbours among 2 rows"):
        nearest(torch.randn(3, 2), 3)
    assert nearest_to(torch.randn(1, 2), torch.randn(3, 2), 3).place.shape == (1, 3)
    with pytest.raises(InputError, match="rows of 2 and 4 numbers"):
        nearest_to(torch.randn(3, 2), torch.randn(3, 4), 1)
