"""A map of the features: their two strongest directions, who is near whom by t-SNE, the circle of those in the plane.

Laurens van der Maaten, Geoffrey Hinton. Visualizing Data using t-SNE. 2008.
https://www.jmlr.org/papers/v9/vandermaaten08a.html
"""

import warnings

import torch
from jaxtyping import Float, Int
from torch import Tensor

from likeness.doctor import embedding_charts as charts
from likeness.doctor.part import Part
from likeness.represent.measures import spectrum

DRAWN = 1000  # points at most; more hide each other
ENOUGH = 50  # rows, from which on neighbourhoods can be laid out


def maps(z: Float[Tensor, "n d"], y: Int[Tensor, " n"] | None, names: tuple[str, ...], *, seed: int = 0) -> Part:
    """What can be drawn of them; nothing where they do not vary."""
    variances = spectrum(z)
    if not float(variances.sum()) or z.shape[1] < 2:
        return Part("map", "Map", ["All rows are one point: there is nothing to draw."])
    if len(z) > DRAWN:
        kept = torch.randperm(len(z), generator=torch.Generator().manual_seed(seed))[:DRAWN]
        z, y = z[kept], None if y is None else y[kept]
    drawn = []
    if z.shape[1] == 2:
        drawn.append(charts.circle(torch.atan2(z[:, 1], z[:, 0]), y, names, title="Directions of the features"))
    share = float(variances[:2].sum() / variances.sum())
    note = f"{share:.0%} of the variance is seen here; distances are right as far as that goes."
    drawn.append(charts.scatter(principal(z), y, names, title="The two strongest directions (PCA)", note=note))
    if z.shape[1] > 2 and len(z) >= ENOUGH:
        note = "Who is near whom is kept; sizes of groups and distances between them mean nothing."
        drawn.append(charts.scatter(tsne(z, seed), y, names, title="Neighbourhoods (t-SNE)", note=note))
    return Part("map", "Map", charts=drawn)


def principal(z: Float[Tensor, "n d"]) -> Float[Tensor, "n 2"]:
    """Coordinates along the two strongest directions, with a sign that does not depend on the machine."""
    x = z.double() - z.double().mean(0)
    _, _, rows = torch.linalg.svd(x, full_matrices=False)
    found = x @ rows[:2].T
    largest = found.gather(0, found.abs().argmax(0, keepdim=True))
    return (found * largest.sign()).to(z.dtype)


def tsne(z: Float[Tensor, "n d"], seed: int) -> Float[Tensor, "n 2"]:
    """scikit-learn's, begun at the principal directions."""
    from sklearn.manifold import TSNE

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = TSNE(perplexity=min(30.0, (len(z) - 1) / 3), init="pca", random_state=seed, n_jobs=1)
        return torch.from_numpy(made.fit_transform(z.numpy()))
