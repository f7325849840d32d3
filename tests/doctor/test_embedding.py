"""Each made fault yields its finding, and healthy features yield none."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from likeness.doctor import embedding
from likeness.errors import InputError

N, D = 600, 32
NAMES = tuple("abcdef")
Y = torch.arange(N) % 6


def even(n: int = N, d: int = D) -> Tensor:
    """Uniform on the sphere."""
    return F.normalize(torch.randn(n, d), dim=1)


def clustered(y: Tensor = Y) -> Tensor:
    centres = torch.linalg.qr(torch.randn(D, D))[0][:6]
    return F.normalize(centres[y] + 0.7 * torch.randn(len(y), D) / D**0.5, dim=1)


def codes(z: Tensor, **given) -> set[str]:
    """The codes of everything that is found."""
    made, first = embedding.prepared(z, **given)
    parts = [first, *(look() for _, look in embedding.examined(made, maps=False))]
    return {f.code for part in parts for f in part.findings}


def test_healthy_features_have_no_finding() -> None:
    assert codes(even()) == set()
    assert codes(even(300, 128)) == set()
    assert codes(5 * torch.randn(N, D)) == set()
    z = clustered()
    near = F.normalize(z + 0.02 * torch.randn(N, D), dim=1)
    assert codes(z, y=Y, names=NAMES, partner=near) == set()
    assert codes(z, y=Y, names=NAMES, on_sphere=False) == set()


def direction() -> Tensor:
    return F.normalize(torch.ones(1, D), dim=1)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (lambda z: direction().expand(N, D).clone(), "collapse"),
        (lambda z: direction() + 1e-4 * z, "collapse"),
        (lambda z: z @ torch.randn(D, 4) @ torch.randn(4, D), "dimensional-collapse"),
        (lambda z: z @ torch.randn(D, 16) @ torch.randn(16, D), "dimensional-collapse"),
        (lambda z: z + 1.2 * direction(), "narrow-cone"),
        (lambda z: torch.cat((z[:, :-1], 12 * z[:, -1:]), 1), "dominant-direction"),
        (lambda z: torch.where(torch.arange(D) == 5, 0.0, z), "constant-columns"),
        (lambda z: torch.cat((z[:500], z[:100])), "duplicated-rows"),
        (lambda z: torch.where(torch.arange(N)[:, None] == 7, torch.nan, z), "not-finite"),
        (lambda z: torch.where(torch.arange(N)[:, None] % 100 == 7, 0.0, z), "zero-rows"),
    ],
)
def test_each_fault_yields_its_finding_alone(fault, code: str) -> None:
    found = codes(fault(even()))
    assert code in found
    assert found <= {code, *({"hubs"} if code == "dominant-direction" else ())}  # two poles have a middle each


def test_hubs_are_found_in_high_dimension_by_euclidean_distance_and_not_by_angle() -> None:
    z = torch.randn(1000, 500)
    assert codes(z, on_sphere=False) == {"hubs"}
    assert codes(z) == set()


def test_a_merged_class_labels_that_mean_nothing_and_classes_that_are_points() -> None:
    merged = clustered(torch.where(Y == 3, 1, Y))
    assert codes(merged, y=Y, names=NAMES) == {"merged-classes"}
    assert codes(even(), y=Y, names=NAMES) == {"labels-unseen"}
    assert "class-collapse" in codes(torch.eye(D)[Y] + 1e-3 * torch.randn(N, D), y=Y, names=NAMES)


def test_pairs_of_unlike_rows_and_the_same_file_twice() -> None:
    z = even()
    assert codes(z, partner=even()) == {"pairs-apart"}
    assert codes(z, partner=z.clone()) == {"pairs-identical"}
    assert codes(z, partner=z[torch.randperm(N)]) == {"pairs-apart"}


def test_places_are_those_of_the_file() -> None:
    z = even()
    z[3, 2], z[5] = torch.inf, 0
    images = torch.arange(N).float()[:, None, None, None].expand(N, 1, 2, 2) / N
    made, part = embedding.prepared(z, y=Y, names=NAMES, images=images)
    assert made.row.tolist() == [i for i in range(N) if i not in (3, 5)]
    assert torch.equal(made.y, Y[made.row])
    assert torch.equal(made.images[:, 0, 0, 0], images[made.row, 0, 0, 0])
    assert "the first is row 3" in str(part.findings[0])
    assert "the first is row 5" in str(part.findings[1])


def test_unnormalised_rows_are_said_and_brought_to_the_sphere_unless_asked_not_to() -> None:
    z = even() * torch.linspace(1, 40, N)[:, None]
    made, part = embedding.prepared(z)
    assert any("not normalised" in w for w in part.words)
    assert any("brought to length 1" in w for w in part.words)
    torch.testing.assert_close(made.z.norm(dim=1), torch.ones(N))
    made, part = embedding.prepared(z, on_sphere=False)
    assert any("as they are" in w for w in part.words)
    torch.testing.assert_close(made.z, z)
    z[9] *= 1000
    assert any("row 9" in w for w in embedding.prepared(z)[1].words)
    assert embedding.prepared(even() * 3)[1].words[0].startswith("All rows have the length 3.")


def test_many_rows_are_thinned_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "LARGEST", 100)
    made, part = embedding.prepared(even(), y=Y, names=NAMES)
    assert len(made.z) == len(made.y) == 100
    assert any("100 of 600 rows" in w for w in part.words)
    assert torch.equal(made.row, embedding.prepared(even(), seed=0)[0].row)


def test_what_does_not_fit_is_one_line() -> None:
    for given, clue in (
        ({"y": Y[1:], "names": NAMES}, "600 rows of features and 599 labels"),
        ({"partner": even(N, D + 1)}, "their pairs 33"),
        ({"images": torch.zeros(3, 1, 2, 2)}, "and 3 images"),
    ):
        with pytest.raises(InputError, match=clue):
            embedding.prepared(even(), **given)
    with pytest.raises(InputError, match="2 of 600 rows can be compared"):
        embedding.prepared(torch.where(torch.arange(N)[:, None] < 2, 1.0, torch.nan) * even())


def test_three_rows_and_one_column_are_enough_to_look_at() -> None:
    for z in (torch.randn(3, 2), torch.randn(3, 50), torch.randn(20, 1)):
        made, _ = embedding.prepared(z)
        for _, look in embedding.examined(made):
            look()
