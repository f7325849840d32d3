"""Classes are drawn by their frequencies, and the evidence is the mean over them."""

import pytest
import torch
from torch.distributions import Normal

from likeness.density.classes import drawn, drawn_each, given, normalised, over_classes, posterior
from likeness.errors import InputError
from likeness.sampling import Streams


def test_frequencies_are_normalised_or_refused() -> None:
    assert normalised(torch.tensor([1, 3])).tolist() == [0.25, 0.75]
    for wrong in (torch.zeros(3), torch.tensor([1.0, -1.0]), torch.ones(2, 2)):
        with pytest.raises(InputError, match="label frequencies"):
            normalised(wrong)


def test_classes_are_drawn_by_their_frequencies_and_those_that_never_occur_are_not() -> None:
    y = drawn(normalised(torch.tensor([1, 0, 3])), 20_000, Streams(0), torch.device("cpu"))
    share = torch.bincount(y, minlength=3) / 20_000
    assert share[1] == 0
    assert float(share[2]) == pytest.approx(0.75, abs=0.015)


def test_a_mixture_is_the_sum_over_its_classes() -> None:
    means, share, x = torch.tensor([0.0, 2.0, 9.0]), normalised(torch.tensor([1, 2, 0])), torch.randn(7)
    found = over_classes(share, x, lambda y: Normal(means[y], 1.0).log_prob(x))
    density = sum(p * Normal(m, 1.0).log_prob(x).exp() for p, m in zip(share, means))
    torch.testing.assert_close(found, density.log())


def test_a_class_is_told_by_its_sample() -> None:
    means, share, x = torch.tensor([0.0, 2.0, 9.0]), normalised(torch.tensor([1, 2, 0])), torch.randn(7)
    p = posterior(share, x, lambda y: Normal(means[y], 1.0).log_prob(x))
    near, far = (Normal(m, 1.0).log_prob(x).exp() for m in (0.0, 2.0))
    torch.testing.assert_close(p[:, 1], 2 * far / (near + 2 * far))
    assert (p[:, 2] == 0).all()
    y = drawn_each(p[:1].expand(20_000, -1), Streams(0))
    torch.testing.assert_close(torch.bincount(y, minlength=3) / 20_000, p[0], atol=0.015, rtol=0)


def test_labels_are_asked_for_where_they_are_needed() -> None:
    y = torch.arange(2)
    assert given(None, y) == {}
    assert given(torch.ones(2), y) == {"y": y}
    with pytest.raises(InputError, match="conditional on labels"):
        given(torch.ones(2), None)
