"""What a representation is worth and how it lies: known cases, and collapse is told in words."""

import pytest
import torch
from torch import Tensor, nn

from likeness.data import Batch, load, whole
from likeness.data.views import digits, two
from likeness.nn.heads import projection
from likeness.nn.small_cnn import SmallCNN
from likeness.recipes.measuring import Shapes, features, lie, views_of, worth
from likeness.represent.simclr import SimCLR
from likeness.represent.sphere import ideal_uniformity


class Made(nn.Module):
    """A method whose projections are what a function makes of samples."""

    def __init__(self, project: object) -> None:
        super().__init__()
        self.project = project

    def updates(self, batch: Batch):
        yield self, lambda: {"a": batch.x.mean(), "b": torch.tensor(1.0)}


def on_sphere(x: Tensor) -> Tensor:
    return nn.functional.normalize(x.flatten(1), dim=1)


def test_classes_told_by_features_are_read_by_probes() -> None:
    y = torch.arange(300) % 3
    ways = {"told": lambda x: nn.functional.one_hot(x[:, 0].long(), 3).float(), "nothing": lambda x: x[:, 1:] * 0}
    x = torch.stack((y.float(), torch.rand(300)), 1)
    found = worth(ways, Batch(x, y), Batch(x, y), labels=(30, 100, 1000), draws=2)
    assert list(found["told"]) == ["linear 30", "k-NN 30", "linear 100", "k-NN 100", "linear all", "k-NN all"]
    assert set(found["told"].values()) == {1.0}
    assert found["nothing"]["linear all"] == pytest.approx(1 / 3)


def test_the_objective_is_the_sum_of_the_terms() -> None:
    shapes = Shapes(Made(on_sphere))
    x = torch.randn(10, 4)
    assert torch.allclose(shapes.cost(x), (x.mean() + 1).expand(10))
    assert len(shapes.cost(x[:1])) == 0


@pytest.mark.parametrize(
    ("project", "code"),
    [
        (lambda x: on_sphere(torch.ones_like(x) + 1e-3 * x), "collapse"),
        (lambda x: on_sphere(x * torch.tensor([1.0, 1.0] + 62 * [1e-3])), "dimensional-collapse"),
        (on_sphere, None),
    ],
)
def test_collapse_is_told(project: object, code: str | None) -> None:
    shapes = Shapes(Made(project))
    for part in torch.randn(400, 64, generator=torch.Generator().manual_seed(0)).split(200):
        shapes.cost(part)
    assert [f.code for f in shapes({})] == ([] if code is None else [code])
    assert shapes.seen == []


def test_few_directions_of_flat_samples_are_no_collapse() -> None:
    shapes = Shapes(Made(lambda x: on_sphere(x @ torch.eye(2, 64))))
    shapes.cost(torch.randn(400, 2))
    assert shapes({}) == []


def test_where_projections_lie_repeats_and_is_bounded() -> None:
    method = SimCLR(f := SmallCNN(1, d=32), projection(f.d, hidden=32, out=8), two(digits(8)))
    x = whole(load("digits").test, 100).x
    state = torch.get_rng_state()
    row = lie(method, x)
    assert row == lie(method, x)
    assert torch.equal(state, torch.get_rng_state())
    assert ideal_uniformity(8) < row["uniformity"] <= 0
    assert 0 < row["alignment of two views"] < 4
    assert 1 <= row["effective rank"] <= 8


def test_views_are_shown_by_their_size() -> None:
    method = Made(on_sphere)
    method.views = lambda x: [x, x + 1, x[..., :4, :4], x[..., :4, :4] + 1]
    shown = views_of(method, torch.zeros(2, 1, 8, 8))
    assert list(shown) == ["a view", "another view", "a view of 4 pixels"]
    assert float(shown["a view of 4 pixels"].sum()) == 0


def test_features_do_not_depend_on_the_parts() -> None:
    f = SmallCNN(1).eval()
    x = whole(load("digits").test, 300).x
    with torch.no_grad():
        torch.testing.assert_close(features(f, x, device="cpu"), f(x))
