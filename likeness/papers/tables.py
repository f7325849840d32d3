"""Card: what each family keeps of a table with ten numeric and five categorical columns, some values missing.

The rows are those of the made table (`data/made_table`), whose dependence is known. The baselines draw each column by
itself, or numbers and categories by a Gaussian copula (each column by itself, then the ranks of all tied together by
one matrix of correlations), which has the marginals by construction and the association of pairs as a Gaussian can.

Lei Xu, Maria Skoularidou, Alfredo Cuesta-Infante, Kalyan Veeramachaneni. Modeling Tabular Data using Conditional GAN.
2019. https://arxiv.org/abs/1907.00503
"""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.core import train
from likeness.data import Columns, Dataset, batches, load, whole
from likeness.data.columns import Category, Number
from likeness.judge.c2st import c2st
from likeness.judge.tables import compare
from likeness.papers.card import SCALES, Card, Claim, Grid, Numbers, Scale, for_each
from likeness.recipes.common import drawing_rows, recipe
from likeness.recipes.facts import facts_of
from likeness.sampling import draw


class Budget(NamedTuple):
    """Training rows, rows drawn, and the steps of each recipe; for None as many as it takes if nobody says."""

    rows: int
    n: int
    steps: Mapping[str, int | None]


BUDGETS: dict[Scale, Budget] = {
    "quick": Budget(2000, 1500, {"vae": 400, "flow": 80, "gan": 300}),
    "laptop": Budget(8000, 4000, {"vae": None, "flow": None, "gan": None, "mixture": None}),
    "gpu": Budget(8000, 4000, {"vae": 20_000, "flow": 20_000, "gan": 20_000, "mixture": None}),
}
NAMES = {
    "real": "other real rows",
    "independent": "columns drawn independently",
    "copula": "Gaussian copula",
    "vae": "vae",
    "flow": "flow",
    "gan": "gan",
    "mixture": "mixture",
}
FAMILIES = ("vae", "flow", "gan", "mixture")


def measure(seed: int, scale: Scale) -> Numbers:
    budget = BUDGETS[scale]
    data = load("mixed-table", seed=seed, limit=budget.rows)
    assert data.columns is not None
    known, test = whole(data.train).x, whole(data.test, budget.n).x
    made: dict[str, Callable[[], Tensor]] = {
        "real": lambda: whole(data.validation, budget.n).x,
        "independent": lambda: independent(known, data.columns, budget.n, seed),  # type: ignore[arg-type]
        "copula": lambda: copula(known, data.columns, budget.n, seed),  # type: ignore[arg-type]
    }
    made |= {name: partial(trained, name, data, steps, budget.n, seed) for name, steps in budget.steps.items()}
    found: dict[str, float] = {}
    for name, rows in made.items():
        began = time.monotonic()
        x = rows()
        found |= {f"{name}.seconds": time.monotonic() - began}
        found |= {f"{name}.{key}": value for key, value in told(x, test, data.columns, seed).items()}
    return found


def told(x: Tensor, test: Tensor, columns: Columns, seed: int) -> dict[str, float]:
    """Differences of rows from the test rows, and how many of them hold a value that the table has not."""
    n = min(len(x), len(test))
    found = compare(x, test, columns)
    assert found.gaps is not None
    assert found.association is not None
    return {
        "marginals": found.marginals.mean[0],
        "gaps": found.gaps.mean[0],
        "association": found.association.mean[0],
        "c2st": c2st(test[:n], x[:n], seed=seed).accuracy[0],
        "illegal": float((columns.legal(x) - x).abs().amax(1).gt(1e-5).sum()),
    }


def trained(name: str, data: Dataset, steps: int | None, n: int, seed: int) -> Tensor:
    """Draws of a recipe with its own settings."""
    torch.manual_seed(seed)
    made, facts = recipe(name), facts_of(data)
    options: dict[str, Any] = {"data": data.name, "device": "cpu", "seed": seed, "steps": steps}
    settings = made.fitting(made.Settings(**options), facts)
    model = drawing_rows(made.build(settings, facts), facts)
    learner = model.learner
    feed = batches(data.train, settings.batch_size, seed=seed, steps=settings.steps)
    for _ in train(learner.method, feed, learner.optimisers):
        learner.after()
    learner.method.eval()
    return draw(model.sampler, n, generator=seed)


# ------------------------------------------------------------------------------------------------- baselines


def independent(x: Float[Tensor, "m d"], columns: Columns, n: int, seed: int) -> Float[Tensor, "n d"]:
    """Each column from a training row of its own."""
    generator = torch.Generator().manual_seed(seed)
    blocks = _blocks(x, columns)
    return torch.cat([b[torch.randint(len(x), (n,), generator=generator)] for b in blocks], dim=1)


def copula(x: Float[Tensor, "m d"], columns: Columns, n: int, seed: int) -> Float[Tensor, "n d"]:
    """Each column's training values in an order that correlated Gaussians give; a gap is below all numbers."""
    generator = torch.Generator().manual_seed(seed)
    blocks = _blocks(x, columns)
    values = torch.stack([_sortable(c, b, generator) for c, b in zip(columns.columns, blocks)], dim=1)
    order = values.argsort(0)
    ranks = order.argsort(0).double()
    z = torch.special.ndtri((ranks + 0.5) / len(x))
    L = torch.linalg.cholesky(torch.corrcoef(z.T) + 1e-6 * torch.eye(z.shape[1]))
    u = torch.special.ndtr(torch.randn(n, len(L), generator=generator, dtype=torch.float64) @ L.T)
    places = (u * len(x)).long().clamp(0, len(x) - 1)
    return torch.cat([b[order[places[:, j], j]] for j, b in enumerate(blocks)], dim=1)


def _sortable(column: Number | Category, block: Tensor, generator: torch.Generator) -> Tensor:
    """One number a row by which a column is sorted, ties in random order: its value, or the place of its category."""
    value = block.argmax(1).double() if isinstance(column, Category) else block[:, 0].double()
    if isinstance(column, Number) and column.gaps:
        value = value.masked_fill(block[:, 1] > 0.5, -1e6)
    return value + 1e-9 * torch.rand(len(block), generator=generator, dtype=torch.float64)


def _blocks(x: Tensor, columns: Columns) -> tuple[Tensor, ...]:
    return x.split([column.width for column in columns.columns], dim=1)


# ------------------------------------------------------------------------------------------------- what is claimed


def half_of_independent(name: str, n: Numbers) -> bool:
    return n[f"{name}.association"] < n["independent.association"] / 2


def _claims() -> tuple[Claim, ...]:
    rows = [
        Claim("columns drawn independently: difference of the associations", "independent.association", None,
              "real.association", for_each(lambda n: n["independent.association"] > 0.2), SCALES),
        Claim("… and difference of the columns, which sees nothing", "independent.marginals", None, "real.marginals",
              for_each(lambda n: n["independent.marginals"] < 2 * n["real.marginals"]), SCALES),
    ]  # fmt: skip
    for name in FAMILIES:
        verdict = for_each(partial(half_of_independent, name))
        half = f"{name}: difference of the associations, less than half of independent columns'"
        rows.append(Claim(half, f"{name}.association", None, "independent.association", verdict))
        rows.append(
            Claim(f"{name}: accuracy of a classifier (½: it sees nothing)", f"{name}.c2st", None, "copula.c2st",
                  for_each(partial(_nearer, name)), ())
        )  # fmt: skip
        rows.append(Claim(f"{name}: rows that the table could not hold", f"{name}.illegal", None, None,
                          for_each(partial(_legal, name)),
                          SCALES if name in BUDGETS["quick"].steps else SCALES[1:]))  # fmt: skip
    return tuple(rows)


def _nearer(name: str, n: Numbers) -> bool:
    return n[f"{name}.c2st"] < n["copula.c2st"]


def _legal(name: str, n: Numbers) -> bool:
    return n[f"{name}.illegal"] == 0


CARD = Card(
    "tables",
    "A table with ten numeric and five categorical columns",
    "https://arxiv.org/abs/1907.00503",
    "Each recipe with its own settings on the made table of known dependence (a latent class, two factors, skewed, "
    "whole and heavy-tailed numbers, gaps in three columns), against fresh rows. Columns: the mean distance of a "
    "column's distribution; associations: the mean difference over all pairs of columns, gaps included; the classifier "
    "tells draws from rows on held-out samples. Other real rows show what chance does. A family has to keep the "
    "associations twice as well as independent columns do; whether it beats a Gaussian copula is shown.",
    measure,
    _claims(),
    Grid(
        NAMES,
        {
            "marginals": "columns",
            "gaps": "gaps",
            "association": "associations",
            "c2st": "classifier's accuracy",
            "seconds": "seconds",
        },
    ),
)
