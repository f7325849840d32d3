import pytest
import torch

from likeness.errors import InputError
from likeness.judge.material import check, material, shares
from likeness.sampling import Streams

X = torch.randn(100, 3)


def made(subject=X, reference=X, train=None, labels=None, heldout=None, *, n=None, baselines=True):
    return material(subject, reference, train, labels, heldout, n=n, seed=0, baselines=baselines)


def normal(n, *, generator=None):
    assert isinstance(generator, Streams)
    return generator.normal(n, 3)


def test_half_of_the_reference_is_held_out():
    found = made()
    assert (len(found.subject), len(found.reference), len(found.heldout)) == (50, 50, 50)
    both = torch.cat((found.reference, found.heldout))
    assert torch.equal(both.sort(0).values, X.sort(0).values)


def test_nothing_is_held_out_where_it_is_given_or_not_wanted():
    assert len(made(heldout=X[:30]).reference) == 100
    assert len(made(heldout=X[:30]).subject) == len(made(heldout=X[:30]).heldout) == 30
    assert made(baselines=False).heldout is None
    assert len(made(baselines=False).subject) == 100


def test_a_sampler_draws_as_many_as_a_row_can_have():
    assert len(made(normal).subject) == 50
    assert len(made(normal, n=40).subject) == len(made(normal, n=40).heldout) == 40
    assert torch.equal(made(normal, n=40).subject, made(normal).subject[:40])
    found = made(normal, n=60)
    assert len(found.subject) == 50
    assert [note.code for note in found.notes] == ["n-reduced"]


def test_a_random_part_of_ordered_samples_is_taken():
    ordered = torch.arange(1000.0)[:, None].expand(1000, 3)
    assert made(ordered, heldout=X).subject.mean() == pytest.approx(500, abs=100)


def test_sorted_files_are_shuffled():
    ordered = torch.arange(1000.0)[:, None].expand(1000, 3)
    for found in (made(ordered, ordered, heldout=ordered), made(ordered, ordered, baselines=False)):
        assert found.reference[:100].mean() == pytest.approx(500, abs=100)
        assert found.subject[:100].mean() == pytest.approx(500, abs=100)
    assert made(ordered, ordered, heldout=ordered, n=100).heldout.mean() == pytest.approx(500, abs=100)


def test_shares_are_disjoint_halves():
    a, b = shares(torch.zeros(10, 2), seed=0)
    assert sorted([*a.tolist(), *b.tolist()]) == list(range(10))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(50), r"the subject has shape \(50,\)"),
        (torch.zeros(50, 4), r"the subject have shape \(4,\), those of the reference \(3,\)"),
        (torch.zeros(4, 3), "4 samples, fewer than its 5 neighbours need: give 20 or more"),
        (torch.zeros(19, 3), "19 samples: give 20 or more"),
        (torch.full((50, 3), torch.nan), "50 samples with NaN or infinite values, the first in row 0"),
        (torch.tensor([[0.0, 0.0, 0.0]] * 29 + [[0.0, torch.inf, 0.0]]), "1 samples with NaN .* row 29"),
    ],
)
def test_bad_samples(x, message):
    with pytest.raises(InputError, match=message):
        check(x, "the subject", X)
    with pytest.raises(InputError, match=message):
        made(x)


def test_bad_numbers():
    with pytest.raises(InputError, match="n = 200, but the subject has 100"):
        made(n=200)
    with pytest.raises(InputError, match="the reference has 30 samples, and half"):
        made(reference=X[:30])
    with pytest.raises(InputError, match="3 labels for 100 training samples"):
        made(train=X, labels=torch.zeros(3))
    with pytest.raises(InputError, match="3 labels for 0 training samples"):
        made(labels=torch.zeros(3))
    with pytest.raises(InputError, match="the training data has 2 samples"):
        made(train=X[:2])
