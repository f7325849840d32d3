"""Every number says what it is; levels are found in the data; data from elsewhere can be the likelier."""

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal

from likeness.errors import InputError
from likeness.judge.likelihood import Density, auroc, likelihood, outside, outside_by_energy
from likeness.judge.protocol import Protocol
from likeness.judge.score import Scores, compare, unlike_kinds

G = torch.Generator().manual_seed(0)
GREY = torch.randint(17, (300, 1, 4, 4), generator=G) / 8 - 1
FLAT = 16 * math.log(0.5)  # of the uniform density on [-1, 1]


def flat(x: Tensor) -> Tensor:
    return torch.full((len(x),), FLAT)


def test_a_density_has_nats_as_it_is_and_bits_by_noise() -> None:
    found = likelihood(Density(flat), GREY)
    assert (found.kind, found.of) == ("exact", "density")
    assert (found.bits_kind, found.coded) == ("bound", "17 levels, by uniform noise")
    assert float(found.bits.mean()) == pytest.approx(math.log2(2 / (1 / 8)))
    nats, bits = found.rows(0)
    assert dict(nats.detail) == {"kind": "exact", "of": "density"}
    assert (bits.metric, bits.better, bits.detail["kind"]) == ("bits_per_dim", "lower", "bound")


def test_a_probability_has_both_as_it_is() -> None:
    nats = -16 * math.log(17)
    found = likelihood(Density(lambda x: torch.full((len(x),), nats), levels=17), GREY)
    assert (found.of, found.bits_kind) == ("probability of 17 levels", "exact")
    assert float(found.bits.mean()) == pytest.approx(math.log2(17))


def test_other_levels_than_the_datas_are_stated() -> None:
    assert "of which the data use fewer" in likelihood(Density(flat, levels=256), GREY).of
    seen: list[Tensor] = []
    found = likelihood(Density(lambda x: seen.append(x) or flat(x), levels=2), GREY)
    assert "drawn by the grey value" in found.of
    assert set(torch.cat(seen).unique().tolist()) == {-1.0, 1.0}


@pytest.mark.parametrize("x", [torch.rand(50, 1, 4, 4), torch.randn(50, 3)])
def test_without_levels_or_a_constant_there_are_no_bits(x: Tensor) -> None:
    assert likelihood(Density(flat), x).bits is None
    assert likelihood(Density(flat, "unnormalised"), GREY).bits is None
    assert likelihood(Density(flat, "unnormalised", 17), GREY).bits is None


def test_kinds_are_four() -> None:
    with pytest.raises(InputError, match="kind 'roughly'"):
        likelihood(Density(flat, "roughly"), GREY)
    with pytest.raises(InputError, match="one number each"):
        likelihood(Density(lambda x: x.flatten(1)), GREY)


def scores(kind: str, levels: int | None = None, draws: str = "") -> Scores:
    rows = likelihood(Density(flat, kind, levels), GREY).rows(0)
    return Scores(tuple(rows), Protocol("r", 1, 1, "raw", "", "none", "float32", 5, 0, draws=draws))


def test_unlike_kinds_in_one_row_are_told() -> None:
    assert unlike_kinds({"a": scores("exact"), "b": scores("exact")}) == []
    told = unlike_kinds({"a": scores("exact"), "b": scores("bound")})
    assert [f.code for f in told] == ["unlike-kinds"]  # bits are a bound either way
    assert "log_likelihood" in told[0].saw
    mass = unlike_kinds({"a": scores("exact"), "b": scores("exact", levels=17)})
    assert len(mass) == 2
    assert "probability of 17 levels" in mass[0].saw


def test_the_table_says_the_kind_beside_each_number_and_what_was_drawn() -> None:
    rows = compare({"a": scores("exact", draws="mean"), "b": scores("bound", draws="sample")})
    assert rows[1] == ["draws", "", "mean", "sample"]
    assert rows[2][2].endswith("exact")
    assert rows[2][3].endswith("bound")
    assert scores("bound", draws="mean").stated == [
        "log_likelihood: bound of density",
        "bits_per_dim: bound of 17 levels, by uniform noise",
        "draws: mean",
    ]


def test_the_area_under_the_curve() -> None:
    inside, other = torch.tensor([1.0, 3.0]), torch.tensor([0.0, 1.0, 2.0, 4.0])
    assert auroc(inside, other).tolist() == [1.5 / 4, 3 / 4]


def standard(x: Tensor) -> Tensor:
    return Normal(0.0, 1.0).log_prob(x).sum(1)


def test_data_from_elsewhere_may_be_the_likelier() -> None:
    """The centre of a Gaussian in many dimensions is likelier than all of its draws."""
    x = torch.randn(500, 50, generator=G)
    centre = outside(Density(standard), x, 0.1 * torch.randn(300, 50, generator=G), name="centre")
    assert {r.metric for r in centre.rows} == {"ood_log_likelihood", "ood_auroc"}
    assert centre.rows[-1].value < 0.01
    assert [f.code for f in centre.findings] == ["outside-likelier"]
    assert "centre is LIKELIER" in centre.findings[0].saw
    far = outside(Density(standard), x, 5 * torch.randn(300, 50, generator=G))
    assert far.findings == []
    assert far.rows[-1].value > 0.99
    (near,) = outside(Density(standard), x, torch.randn(300, 50, generator=G)).findings
    assert near.code in ("outside-likelier", "outside-overlaps")


def test_data_of_another_shape_are_refused() -> None:
    with pytest.raises(InputError, match="make them alike"):
        outside.__wrapped__(Density(standard), torch.randn(10, 50), torch.randn(10, 3))


def test_an_energy_tells_by_the_sample_what_lies_higher() -> None:
    inside, other = torch.zeros(300, 2), torch.tensor([[3.0, 0.0], [0.0, 0.0]]).repeat(100, 1)
    row = outside_by_energy(lambda x: x.square().sum(1), inside, other, name="far")
    assert (row.metric, row.value) == ("ood_energy_auroc", 0.75), "half of it is further out, the other half the same"
    assert outside_by_energy(lambda x: -x.square().sum(1), inside, other).value == 0.25
