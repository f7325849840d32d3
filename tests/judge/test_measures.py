import pytest
import torch

from likeness.data.columns import Columns, Number
from likeness.judge.likelihood import Likelihood
from likeness.judge.measures import MEASURES, Case, Ground
from likeness.judge.pairs import nearest, within
from likeness.judge.score import METRICS, OUTSIDE

COLUMNS = Columns((Number("a", "double", 0.0, 1.0, True), Number("b", "double", 0.0, 1.0, False)))


class Known:
    modes, std, weights = torch.zeros(1, 3), 1.0, torch.ones(1)

    def sample(self, n, *, generator=None):
        raise NotImplementedError

    def labelled(self, n, *, generator=None):
        raise NotImplementedError

    def log_prob(self, x):
        raise NotImplementedError


REFERENCE, TRAIN, X = torch.randn(60, 3), torch.randn(80, 3), torch.randn(60, 3)
BARE = Ground(REFERENCE, within(REFERENCE), None, None, None, None, None, 0)
FULL = BARE._replace(
    probabilities=lambda f: f.softmax(1),
    train=TRAIN,
    fresh=nearest(REFERENCE, TRAIN),
    truth=Known(),
    rows=(COLUMNS, REFERENCE),
    likelihood=Likelihood(torch.randn(60), "exact", "density", torch.rand(60), "bound", "17 levels"),
)


def measured(case, ground):
    return [row for measure in MEASURES.values() for row in measure(case, ground)]


def test_together_they_report_every_metric_once():
    rows = measured(Case(None, X, X), FULL)
    assert [row.metric for row in rows] == [m for m in METRICS if m not in OUTSIDE]
    assert all(row.low <= row.high and row.baseline is None for row in rows)


def test_what_has_no_ground_is_left_out():
    rows = measured(Case("noise", X, X), BARE)
    left_out = {
        "inception",
        "sharpness",
        "diversity",
        "memorisation",
        "log_likelihood",
        "bits_per_dim",
        "modes",
        "high_quality",
        "mode_kl",
        "marginals",
        "gaps",
        "association",
    }
    assert {row.metric for row in rows} == set(METRICS) - set(OUTSIDE) - left_out
    assert {row.baseline for row in rows} == {"noise"}


@pytest.mark.parametrize("metric", ["modes", "log_likelihood"])
def test_a_baseline_known_by_features_alone(metric):
    assert metric not in {row.metric for row in measured(Case("gaussian", X, None), FULL)}
