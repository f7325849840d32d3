import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from likeness.judge.inception_score import inception_score


@given(st.integers(0, 1000), st.integers(2, 8), st.floats(0.1, 20))
def test_score_is_sharpness_times_diversity_within_one_and_the_classes(seed, classes, scale):
    c = (torch.randn(50, classes, generator=torch.Generator().manual_seed(seed)) * scale).softmax(1)
    found = inception_score(c)
    S, D, score = found.sharpness[0], found.diversity[0], found.score[0]
    assert score == pytest.approx(S * D, rel=1e-9)
    assert 1 - 1e-6 <= score <= classes + 1e-6
    assert found.score[1] <= found.score[2]


def test_certain_classes_count_themselves():
    c = torch.eye(10)[torch.arange(500) % 5]
    assert inception_score(c).score[0] == pytest.approx(5)
    assert inception_score(c).sharpness[0] == pytest.approx(1)


def test_one_sample_repeated_scores_one():
    assert inception_score(torch.rand(10).softmax(0).expand(40, 10)).score[0] == pytest.approx(1)


def test_score_is_the_mean_divergence_from_the_marginal():
    c = torch.randn(30, 4).double().softmax(1)
    kl = (c * (c / c.mean(0)).log()).sum(1).mean()
    assert inception_score(c).score[0] == pytest.approx(float(kl.exp()))


def test_parity_with_torchmetrics():
    from torchmetrics.image.inception import InceptionScore

    logits = torch.randn(500, 10) * 3
    metric = InceptionScore(feature=nn.Identity(), splits=1)
    metric.update(logits)
    assert inception_score(logits.softmax(1)).score[0] == pytest.approx(float(metric.compute()[0]), rel=1e-4)
