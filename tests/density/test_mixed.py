"""Rows of a table: each part is the distribution it is said to be, gaps count nothing, unseen values are impossible."""

import pyarrow as pa
import pytest
import torch
from torch import distributions

from likeness.data.columns import fit
from likeness.density.likelihoods import Likelihood
from likeness.density.mixed import Mixed
from likeness.errors import InputError
from likeness.sampling import Streams

TABLE = pa.table({"a": [1.5, 2.5, None, 4.0], "kind": ["x", "y", "z", "x"], "b": [0.1, 0.2, 0.3, 0.5]})
COLUMNS = fit(TABLE)  # a, gap of a, three kinds, b
ROWS = COLUMNS.encode(TABLE)


def test_each_part_is_the_distribution_it_is_said_to_be() -> None:
    made, outputs = Mixed(COLUMNS), torch.randn(4, 6)
    assert isinstance(made, Likelihood)
    s = made.sigma.detach()
    gap = ROWS[:, 1]
    expected = (1 - gap) * distributions.Normal(outputs[:, 0], s[0]).log_prob(ROWS[:, 0])
    expected += distributions.Bernoulli(logits=outputs[:, 1]).log_prob(gap)
    expected += distributions.Categorical(logits=outputs[:, 2:5]).log_prob(ROWS[:, 2:5].argmax(1))
    expected += distributions.Normal(outputs[:, 5], s[1]).log_prob(ROWS[:, 5])
    torch.testing.assert_close(made.log_prob(ROWS, outputs).detach(), expected)


def test_the_number_of_a_gap_counts_nothing() -> None:
    made, outputs, moved = Mixed(COLUMNS), torch.randn(4, 6), ROWS.clone()
    moved[2, 0] = 3.0
    assert torch.equal(made.log_prob(ROWS, outputs), made.log_prob(moved, outputs))


def test_draws_are_rows_of_the_table_and_none_holds_an_unseen_value() -> None:
    made = Mixed(COLUMNS)
    outputs = torch.tensor([[0.5, -1.0, 2.0, 0.0, -1.0, 0.2]]).expand(30_000, -1)
    x = made.sample(outputs, Streams(0)).detach()
    made.check(x)
    assert torch.equal(x[:, 2:5].sum(1), torch.ones(len(x)))
    torch.testing.assert_close(x[:, 2:5].mean(0), outputs[0, 2:5].softmax(0), atol=0.015, rtol=0)
    torch.testing.assert_close(x[:, 1].mean(), outputs[0, 1].sigmoid(), atol=0.015, rtol=0)
    assert (x[x[:, 1] == 1, 0] == 0).all()
    torch.testing.assert_close(x[:, 5].std(), made.sigma.detach()[1], rtol=0.03, atol=0)
    table = COLUMNS.decode(x)
    assert set(table["kind"].to_pylist()) <= {"x", "y", "z"}
    assert table["a"].null_count == int(x[:, 1].sum())


def test_the_mean_decodes_to_the_likeliest_row() -> None:
    outputs = torch.tensor([[0.5, -1.0, 2.0, 0.0, -1.0, 0.2]])
    row = COLUMNS.decode(Mixed(COLUMNS).mean(outputs)).to_pylist()[0]
    assert row["kind"] == "x"
    assert row["a"] is not None


def test_every_output_and_every_sigma_gets_a_gradient() -> None:
    made, outputs = Mixed(COLUMNS), torch.randn(4, 6, requires_grad=True)
    made.log_prob(ROWS, outputs).sum().backward()
    assert (outputs.grad.abs().sum(0) > 0).all()
    assert (made.raw.grad != 0).all()


def test_what_cannot_be_learned_is_refused() -> None:
    with pytest.raises(InputError, match="'kind' holds one value, 'x'"):
        Mixed(fit(pa.table({"kind": ["x", "x"]})))
    with pytest.raises(InputError, match="floor 0"):
        Mixed(COLUMNS, floor=0)
    with pytest.raises(InputError, match="width 3"):
        Mixed(COLUMNS).check(torch.zeros(2, 3))
