"""PixelCNN: the contract, exact probabilities, draws that are those of the slow way, completion, classes, refusals."""

from itertools import repeat

import pytest
import torch
from torch import Tensor
from torch.optim import Adam, Optimizer

from likeness.core import Method, train
from likeness.data import batches, load, whole
from likeness.data.batch import Batch
from likeness.density.conditionals import Binary, Conditional
from likeness.density.likelihoods import binarised
from likeness.density.logistics import Logistics
from likeness.density.pixelcnn import PixelCNN
from likeness.errors import InputError
from likeness.nn.pixelcnn import GatedPixelCNN
from likeness.sampling import draw, streams
from likeness.testing import check_method


def small(conditional: Conditional, event: tuple[int, ...] = (1, 5, 4), classes: int = 0, **given: object) -> PixelCNN:
    net = GatedPixelCNN(event[0], conditional.outputs, filters=6, layers=2, classes=classes)
    labels = torch.tensor([1.0, 3.0]) if classes else None
    return PixelCNN(net, conditional, event, labels=labels, **given)


def adam(method: Method) -> Optimizer:
    return Adam(method.parameters(), 1e-3)


MADE = {
    "grey": lambda: small(Logistics(1, 16, 2)),
    "colour": lambda: small(Logistics(3, 256, 2), (3, 4, 5)),
    "binary": lambda: small(Binary(), observe=binarised),
    "classes": lambda: small(Logistics(1, 16, 2), classes=2),
}


@pytest.mark.parametrize("name", MADE)
def test_contract(name: str) -> None:
    event = (3, 4, 5) if name == "colour" else (1, 5, 4)
    x = torch.randint(16, (8, *event)) / 7.5 - 1
    check_method(MADE[name], Batch(x, torch.arange(8) % 2), adam)


def by_recomputing(model: PixelCNN, n: int, seed: int, y: Tensor | None = None) -> Tensor:
    """The slow reference: the whole network again for every pixel."""
    source, (c, h, w) = streams(seed), model.event
    u = source.uniform(n, model.conditional.uniforms, h, w)
    x = torch.zeros(n, c, h, w)
    with torch.no_grad():
        for i in range(h):
            for j in range(w):
                outputs = model.net(x, y) if y is not None else model.net(x)
                x[:, :, i, j] = model.conditional.drawn(outputs[:, :, i, j], u[:, :, i, j])
    return x


@pytest.mark.parametrize("name", MADE)
def test_draws_are_those_of_the_whole_network_at_every_pixel(name: str) -> None:
    model = MADE[name]().eval()
    y = torch.tensor([0, 1, 1, 0, 1]) if name == "classes" else None
    torch.testing.assert_close(model.sample(5, generator=3, y=y), by_recomputing(model, 5, 3, y), rtol=0, atol=1e-6)


def every_image(levels: Tensor, h: int, w: int) -> Tensor:
    return torch.cartesian_prod(*[levels] * (h * w)).reshape(-1, 1, h, w)


@pytest.mark.parametrize(("conditional", "event"), [(Binary(), (1, 2, 4)), (Logistics(1, 3, 2), (1, 3, 2))])
def test_all_images_have_probability_one_and_are_drawn_as_often(conditional: Conditional, event: tuple) -> None:
    model = small(conditional, event).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(3)
    x = every_image(torch.linspace(-1, 1, conditional.levels), *event[1:])
    p = model.log_prob(x).detach().double().exp()
    assert float(p.sum()) == pytest.approx(1, abs=1e-5)
    n = 20_000
    place = ((draw(model.sample, n, generator=0) + 1) / 2 * (conditional.levels - 1)).round().long().flatten(1)
    index = (place * conditional.levels ** torch.arange(place.shape[1]).flip(0)).sum(1)
    found = torch.bincount(index, minlength=len(x)) / n
    assert ((found - p).abs() <= 5 * (p / n).sqrt() + 2e-4).all()


def test_rows_that_are_kept_stay_and_the_rest_is_drawn_given_them() -> None:
    model = small(Binary(), (1, 3, 2)).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(3)
    kept = torch.tensor([1.0, -1.0]).reshape(1, 1, 1, 2)
    n = 20_000
    x = torch.cat((kept, torch.zeros(1, 1, 2, 2)), 2).expand(n, -1, -1, -1)
    found = model.complete(x, 1, generator=0)
    assert (found[:, :, :1] == kept).all()
    assert (x[:, :, 1:] == 0).all(), "what was given is not written into"
    rest = every_image(torch.tensor([-1.0, 1.0]), 2, 2)
    p = model.log_prob(torch.cat((kept.expand(16, -1, -1, -1), rest), 2)).detach().softmax(0)
    index = ((found[:, 0, 1:].flatten(1) > 0).long() * torch.tensor([8, 4, 2, 1])).sum(1)
    assert ((torch.bincount(index, minlength=16) / n - p).abs() <= 5 * (p / n).sqrt() + 1e-3).all()
    assert torch.equal(model.complete(found[:9], 3), found[:9])
    assert torch.equal(model.complete(found[:9], 0, generator=5), model.sample(9, generator=5))
    with pytest.raises(InputError, match="rows 4: images of 3 rows"):
        model.complete(found, 4)


def two_classes() -> PixelCNN:
    """Trained on images that are dark in class 0 and bright in class 1."""
    torch.manual_seed(0)
    y = torch.arange(64) % 4 > 0
    x = torch.where(y[:, None, None, None], 1.0, -1.0) * torch.where(torch.rand(64, 1, 4, 4) < 0.9, 1.0, -1.0)
    model = small(Binary(), (1, 4, 4), classes=2)
    for _ in train(model, repeat(Batch(x, y.long()), 60), Adam(model.parameters(), 2e-2)):
        pass
    return model.eval()


def test_classes_are_drawn_as_told_by_their_shares_or_by_the_rows_that_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = two_classes()
    for c in (0, 1):
        x = model.sample(50, generator=0, y=torch.full((50,), c))
        assert ((x.mean((1, 2, 3)) > 0) == bool(c)).float().mean() > 0.95
    x = draw(model.sample, 2000, generator=0)
    assert float((x.mean((1, 2, 3)) > 0).float().mean()) == pytest.approx(0.75, abs=0.04)
    told, drawing = [], model.net.drawing
    monkeypatch.setattr(model.net, "drawing", lambda n, w, y: told.append(y) or drawing(n, w, y))
    dark = model.complete(-torch.ones(200, 1, 4, 4), 2, generator=0)
    assert (told[0] == 0).float().mean() > 0.9, "the rows say which class it is"
    assert (dark[:, :, 2:].mean((1, 2, 3)) < 0).float().mean() > 0.9


def test_without_labels_the_probability_is_the_sum_over_classes() -> None:
    model, x = two_classes(), torch.randint(2, (5, 1, 4, 4)) * 2.0 - 1
    each = torch.stack([model.log_prob(x, torch.full((5,), c)) for c in (0, 1)])
    expected = torch.logsumexp(each + torch.tensor([0.25, 0.75]).log()[:, None], 0)
    torch.testing.assert_close(model.log_prob(x), expected)


def test_it_learns_more_of_digits_than_pixels_alone_tell() -> None:
    torch.manual_seed(0)
    data, conditional = load("digits"), Logistics(1, 17, 3)
    model = PixelCNN(GatedPixelCNN(1, conditional.outputs, filters=16, layers=3), conditional, (1, 8, 8))
    assert model.levels == 17
    for _ in train(model, batches(data.train, 64, steps=120), Adam(model.parameters(), 5e-3)):
        pass
    place = ((whole(data.train).x + 1) * 8).round().long()
    counts = torch.nn.functional.one_hot(place, 17).sum(0) + 1.0
    test = whole(data.test).x
    alone = (counts / counts.sum(-1, keepdim=True)).log().expand(len(test), -1, -1, -1, -1)
    alone = alone.gather(-1, ((test + 1) * 8).round().long()[..., None]).flatten(1).sum(1)
    assert model.log_prob(test).mean() > alone.mean() + 10


def test_the_probability_is_of_rounded_images() -> None:
    model, x = small(Logistics(1, 16, 2)), torch.randint(16, (4, 1, 5, 4)) / 7.5 - 1
    torch.testing.assert_close(model.log_prob(x + 0.02), model.log_prob(x))


@pytest.mark.parametrize(
    ("made", "x", "said"),
    [
        (lambda: small(Logistics(1, 16)), torch.rand(4, 1, 5, 4), "not of 16 levels"),
        (lambda: small(Logistics(1, 256)), 3 * torch.ones(4, 1, 5, 4), "values from 3 to 3"),
        (lambda: small(Binary()), torch.rand(4, 1, 5, 4), "are not all -1 or 1"),
        (lambda: small(Binary(), classes=2), torch.ones(4, 1, 5, 4), "conditional on labels"),
    ],
)
def test_what_cannot_be_is_refused_before_a_step(made, x: Tensor, said: str) -> None:
    with pytest.raises(InputError, match=said):
        next(made().updates(Batch(x)))
