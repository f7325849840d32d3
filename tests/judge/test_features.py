import pytest
import torch

from likeness.errors import InputError
from likeness.judge.features import FeatureSpace, features_of, pca, raw


def test_raw_is_the_numbers_themselves():
    x = torch.randn(130, 1, 3, 3)
    assert torch.equal(features_of(raw(), x), x.flatten(1))
    assert raw().weights == ""


@pytest.mark.parametrize(("n", "d"), [(100, 6), (20, 60)])
def test_pca_is_sklearn_s(n, d):
    from sklearn.decomposition import PCA

    x = torch.randn(n, d) @ torch.randn(d, d) + 5
    expected = torch.from_numpy(PCA(4).fit(x.numpy()).transform(x.numpy())).float()
    ours = features_of(pca(x, components=4), x)
    assert torch.allclose(ours.abs(), expected.abs(), rtol=1e-3, atol=1e-3)  # a component has no sign of its own


def test_pca_keeps_no_more_than_the_samples_span():
    x = torch.randn(50, 2) @ torch.randn(2, 10)
    assert pca(x).name == "pca2"
    assert features_of(pca(x), x).shape == (50, 2)


def test_weights_tell_spaces_apart():
    x = torch.randn(60, 5)
    assert pca(x).weights == pca(x.clone()).weights != pca(x[:50]).weights


def test_features_that_are_no_vectors_or_not_finite():
    with pytest.raises(InputError, match=r"shape \(70, 2, 2\) for 70 samples"):
        features_of(FeatureSpace("cubes", lambda x: x), torch.randn(70, 2, 2))
    with pytest.raises(InputError, match="not finite"):
        features_of(FeatureSpace("logs", torch.log), -torch.ones(5, 2))
