from functools import partial

import pytest
import torch

from likeness.data import load, whole
from likeness.errors import InputError
from likeness.judge import Scores, classifier, judge
from likeness.judge.features import pca
from likeness.lockstep import lockstep
from likeness.sampling import Streams, streams


@pytest.fixture(scope="module")
def digits():
    from sklearn.datasets import load_digits

    read = load_digits()
    order = torch.randperm(1797, generator=torch.Generator().manual_seed(0))
    x = (torch.from_numpy(read.images).float() / 8 - 1)[:, None]
    return x[order], torch.from_numpy(read.target)[order]


@pytest.fixture(scope="module")
def split(digits):
    """A classifier's part, a part to memorise, held-out data and the reference, none of which overlap."""
    x, y = digits
    space = classifier(x[:600], y[:600])
    return space, x[600:1197], x[1197:1497], x[1497:], y[1197:1497]


@pytest.fixture(scope="module")
def table(split):
    """The table of the lecture: one row of metrics for each kind of sample."""
    space, train, real, reference, y = split
    several = torch.nn.functional.avg_pool2d(real, 3, 1, 1, count_include_pad=False)
    some = real[y < 5]
    subjects = {
        "memoriser": train[:300],
        "five classes": some.repeat(2, 1, 1, 1)[:300],
        "repeated": real[:1].expand(300, -1, -1, -1),
        "blurred": several,
        "noisy": real + 0.8 * torch.randn(real.shape),
        "independent": torch.stack([real.flatten(1)[torch.randperm(300), i] for i in range(64)], 1).reshape(real.shape),
    }
    judged = {
        name: judge(x, reference, train=train, heldout=real, features=space, baselines=False)
        for name, x in subjects.items()
    }
    judged["held-out"] = judge(real, reference, train=train, features=space, baselines=False)
    return {name: {row.metric: row.value for row in scores.rows} for name, scores in judged.items()}


def test_the_memoriser_is_exposed_by_memorisation_and_by_nothing_else(table):
    copies, fresh = table["memoriser"], table["held-out"]
    assert copies["inception"] == pytest.approx(fresh["inception"], rel=0.1)
    assert copies["frechet"] < fresh["frechet"] * 1.5
    for metric in ("precision", "recall", "coverage"):
        assert copies[metric] == pytest.approx(fresh[metric], abs=0.06)
    assert fresh["memorisation"] == pytest.approx(0.5, abs=0.1)
    assert copies["memorisation"] == pytest.approx(1)


def test_dropped_classes_show_in_recall_and_the_score_counts_them(table):
    assert table["five classes"]["inception"] < 6
    assert table["five classes"]["recall"] < 0.7 * table["held-out"]["recall"]
    assert table["five classes"]["precision"] > table["held-out"]["precision"] - 0.05
    assert table["repeated"]["inception"] == pytest.approx(1)
    assert table["repeated"]["recall"] == 0
    assert table["repeated"]["precision"] == 1


def test_blur_costs_more_than_noise_and_independent_pixels_more_than_either_costs_nothing(table):
    frechet = {name: row["frechet"] for name, row in table.items()}
    assert frechet["blurred"] > 2 * frechet["noisy"]
    assert frechet["noisy"] > 2 * frechet["held-out"]
    assert frechet["independent"] > 5 * frechet["held-out"]
    assert frechet["repeated"] == max(frechet.values())


def test_every_table_carries_its_baselines(digits):
    x, y = digits
    scores = judge(x[:400], x[1000:], train=x[:1000], labels=y[:1000], n=300)
    assert scores.baselines == ["held-out", "gaussian", "memoriser", "noise"]
    assert scores.of("memorisation", "memoriser").value == pytest.approx(1)
    assert scores.of("memorisation", "held-out").value == pytest.approx(0.5, abs=0.1)
    assert scores.of("frechet", "noise").value > 5 * scores.of("frechet", "held-out").value
    assert scores.of("c2st", "noise").detail["p"] < 0.001 < scores.of("c2st", "held-out").detail["p"]
    assert scores.of("mmd", "noise").detail["p"] < 0.01
    assert {"memorised", "reference-small"} <= {w.code for w in scores.warnings}
    assert scores.protocol.features == "classifier"
    assert (scores.protocol.n, scores.protocol.n_reference) == (300, 398)
    assert Scores.from_json(scores.to_json()) == scores


def test_a_sampler_is_judged_as_its_samples_are():
    def sampler(n: int, *, generator: int | Streams | None = None) -> torch.Tensor:
        return streams(generator).normal(n, 2)

    reference = torch.randn(200, 2)
    a = judge(sampler, reference, seed=3)
    again = judge(sampler, reference, seed=3)
    assert [row.value for row in again.rows] == pytest.approx([row.value for row in a.rows], rel=1e-9)
    assert judge(sampler, reference, seed=4)["frechet"] != a["frechet"]
    assert [row.metric for row in a.rows if row.baseline is None][:2] == ["frechet", "frechet_extrapolated"]


def test_likelihood_and_modes():
    mixture = torch.distributions.Normal(torch.zeros(2), 1.0)
    x = torch.randn(400, 2)
    scores = judge(x[:200], x[200:], log_prob=lambda z: mixture.log_prob(z).sum(1), baselines=False)
    row = scores["log_likelihood"]
    assert row.low < -1 - torch.log(torch.tensor(2 * torch.pi)) < row.high
    assert row.detail == {"kind": "exact", "of": "density"}
    infinite = judge(x[:200], x[200:], log_prob=lambda z: torch.full((len(z),), -torch.inf), baselines=False)
    assert "log_likelihood" not in infinite.metrics
    assert "likelihood-infinite" in {w.code for w in infinite.warnings}
    with pytest.raises(InputError, match=r"log_prob gave shape \(200, 2\) for 200"):
        judge(x[:200], x[200:], log_prob=lambda z: z, baselines=False)


def test_what_is_fitted_never_sees_what_the_memoriser_returns():
    train = torch.randn(100, 3)
    seen: list[torch.Tensor] = []

    def fit(x, y):
        seen.append(x)
        return pca(x)

    scores = judge(torch.randn(60, 3), torch.randn(80, 3), train=train, features=fit)
    assert len(seen[0]) == 50
    assert scores.protocol.features == "pca3"
    assert scores.of("memorisation", "memoriser").value == pytest.approx(1)


def test_the_gaussian_is_as_good_as_the_data_where_they_are_gaussian():
    x = torch.randn(2000, 3)
    scores = judge(x[:500], x[500:1000], heldout=x[1000:1500], train=x[1500:])
    assert scores.of("frechet", "gaussian").value == pytest.approx(scores.of("frechet", "held-out").value, abs=0.05)
    assert scores["c2st"].low < 0.5 < scores["c2st"].high


def test_draws_are_counted_before_they_are_judged():
    told = []
    judge(lambda n, *, generator=None: torch.randn(n, 2), torch.randn(80, 2), progress=lambda *step: told.append(step))
    assert told[0] == (40, 40, "draws")
    assert all(what != "draws" for _, _, what in told[1:])


def test_progress_counts_to_its_end():
    told: list[tuple[int, int, str]] = []
    judge(torch.randn(40, 2), torch.randn(80, 2), progress=lambda *step: told.append(step))
    assert [done for done, _, _ in told] == list(range(len(told)))
    assert told[-1][0] < told[-1][1]
    assert told[0][2] == "features"


@pytest.mark.parametrize("n", [3, 5])
def test_fewer_samples_than_neighbours(n):
    with pytest.raises(InputError, match=f"the subject has {n} samples, fewer than its 5 neighbours need"):
        judge(torch.randn(n, 2), torch.randn(80, 2))


def test_any_number_of_processes_judge_as_one_does(digits):
    """The whole table: a network draws, a classifier is fitted, everything is measured, also the likelihood."""
    x, y = digits
    network = torch.nn.Sequential(torch.nn.Linear(8, 64), torch.nn.Tanh(), torch.nn.Unflatten(1, (1, 8, 8)))

    def sampler(n, *, generator=None):
        return network(streams(generator).normal(n, 8))

    def work(rank):
        features = partial(classifier, steps=60)
        given = {"train": x[:500], "labels": y[:500], "heldout": x[500:800], "features": features}
        return judge(sampler, x[800:1300], log_prob=lambda z: -z.square().flatten(1).sum(1), **given)

    (alone,) = lockstep(1, work)
    for processes in (2, 3):
        for scores in lockstep(processes, work):
            assert scores.protocol == alone.protocol
            assert scores.warnings == alone.warnings
            assert [(row.metric, row.baseline) for row in scores.rows] == [(r.metric, r.baseline) for r in alone.rows]
            for row, known in zip(scores.rows, alone.rows):
                assert (row.value, row.low, row.high) == pytest.approx((known.value, known.low, known.high), rel=1e-9)
                assert row.detail == known.detail


def test_tables_are_compared_by_their_columns_beside_every_baseline():
    data = load("mixed-table", limit=1500)
    columns, test, held = data.columns, whole(data.test, 1000).x, whole(data.validation, 1000).x
    train = whole(data.train).x
    generator = torch.Generator().manual_seed(0)
    apart = [b[torch.randperm(len(b), generator=generator)] for b in train.split([c.width for c in columns.columns], 1)]
    scores = judge(torch.cat(apart, 1)[:1000], test, train=train, heldout=held, columns=columns)
    for metric in ("marginals", "gaps", "association"):
        assert {row.baseline for row in scores.rows if row.metric == metric} == {None, *scores.baselines}
    assert scores["marginals"].value < 2 * scores.of("marginals", "held-out").value
    assert scores["association"].low > 3 * scores.of("association", "held-out").high
    assert any(w.code == "association-differ" for w in scores.warnings)
    assert not any(w.code == "marginals-differ" for w in scores.warnings)
