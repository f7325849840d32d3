"""Who is found is who brute force finds: always where all are looked at, nearly always in the cells."""

import pytest
import torch

from likeness.density.retrieval import Table, kmeans, nearest_centre
from likeness.errors import InputError


def clustered(n: int, d: int = 8, clusters: int = 60, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    means = 3 * torch.randn(clusters, d, generator=generator)
    return means[torch.randint(clusters, (n,), generator=generator)] + torch.randn(n, d, generator=generator)


def by_force(z: torch.Tensor, codes: torch.Tensor, k: int) -> torch.Tensor:
    return torch.cdist(z.double(), codes.double()).topk(k, largest=False).indices


@pytest.mark.parametrize("n", [50, 3000])
def test_exact_search_is_brute_force_without_what_is_not_listed_or_own(n: int) -> None:
    x = clustered(n)
    table, listed = Table(n, 8), torch.arange(n) % 3 > 0
    table.write(torch.arange(n), x)
    table.arrange(listed)
    z, own = x[:40], torch.arange(40)
    away = torch.cdist(z.double(), x.double()).masked_fill(~listed | (own[:, None] == torch.arange(n)), torch.inf)
    assert torch.equal(table.nearest(z, 5, own, exact=True), away.topk(5, largest=False).indices)


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("likeness.density.retrieval.FEW", 0)


@pytest.mark.usefixtures("cells")
def test_cells_find_nearly_all_and_looked_into_all_of_them_all() -> None:
    x, z = clustered(5000), clustered(100, seed=0)
    table = Table.of(x)
    table.arrange(torch.ones(5000, dtype=torch.bool))
    expected = by_force(z, x, 10)
    found = table.nearest(z, 10)
    recall = (found[:, :, None] == expected[:, None]).any(2).float().mean()
    assert recall > 0.9
    table.probes = len(table.centres)
    assert torch.equal(table.nearest(z, 10), expected)


@pytest.mark.usefixtures("cells")
def test_cells_too_small_for_k_are_made_up_for() -> None:
    x = torch.cat((torch.zeros(1200, 2), torch.arange(1200.0)[:, None].expand(-1, 2) + 100))
    table = Table(len(x), 2, probes=1)
    table.write(torch.arange(len(x)), x)
    table.arrange(torch.ones(len(x), dtype=torch.bool))
    found = table.nearest(x[-3:], 500, torch.arange(len(x))[-3:])
    assert all(len(set(row.tolist())) == 500 for row in found)
    assert not (found == torch.arange(len(x))[-3:, None]).any()


@pytest.mark.usefixtures("cells")
def test_a_written_code_is_found_where_it_is_now() -> None:
    table = Table.of(clustered(2000))
    table.arrange(torch.ones(2000, dtype=torch.bool))
    z = table.codes[:1].clone()
    second = table.nearest(z, 2)[0, 1]
    table.write(second[None], z + 1e-3)
    table.write(torch.tensor([0]), z + 10)
    assert table.nearest(z, 1)[0, 0] == second


def test_centres_lie_where_the_clusters_are() -> None:
    x = torch.cat((torch.randn(500, 2) - 20, torch.randn(500, 2) + 20))
    centres = kmeans(x, 8, seed=1)
    assert len(set((nearest_centre(x, centres)).tolist())) > 2
    assert ((centres.abs() - 20).abs() < 5).all()


def test_more_neighbours_than_exemplars_are_refused() -> None:
    table = Table.of(torch.randn(5, 2))
    assert table.nearest(torch.zeros(1, 2), 5).shape == (1, 5)
    with pytest.raises(InputError, match="6 neighbours of 5"):
        table.nearest(torch.zeros(1, 2), 6)
    with pytest.raises(InputError, match="5 neighbours of 5"):
        table.nearest(torch.zeros(1, 2), 5, torch.tensor([0]))
    table.listed[:3] = False
    with pytest.raises(InputError, match="2 exemplars are listed"):
        table.nearest(torch.zeros(1, 2), 3)
    with pytest.raises(InputError, match="table of 0"):
        Table(0, 2)
