"""Both convolutional families: shapes at every size, ranges, first weights, and logits that stand alone."""

import pytest
import torch
from torch import Tensor, nn

from likeness.nn import ConvCritic, ConvGenerator, ResidualCritic, ResidualGenerator

FAMILIES = pytest.mark.parametrize(
    ("G", "D"), [(ConvGenerator, ConvCritic), (ResidualGenerator, ResidualCritic)], ids=["dcgan", "resnet"]
)


@FAMILIES
@pytest.mark.parametrize("side", [8, 10, 12, 16, 28, 32, 64, 128])
@pytest.mark.parametrize("channels", [1, 2])
def test_shapes_and_ranges(G: type, D: type, side: int, channels: int) -> None:
    shape = (channels, side, side)
    g, d = G(shape, d_z=5, width=2), D(shape, width=2)
    x = g(torch.randn(2, 5))
    assert x.shape == (2, *shape)
    assert x.abs().max() <= 1
    assert d(x).shape == (2,)
    assert d.features(x).shape == (2, d.feature_size)


@FAMILIES
def test_classes(G: type, D: type) -> None:
    g, d = G((1, 8, 8), d_z=5, width=4, classes=3).eval(), D((1, 8, 8), width=4, classes=3)
    y = torch.tensor([0, 2])
    x = g(torch.randn(1, 5).expand(2, 5), y)
    assert not torch.allclose(x[0], x[1])
    same = x[:1].expand(2, -1, -1, -1)
    assert not torch.allclose(d(same, y)[0], d(same, y)[1])
    assert torch.equal(d.features(same)[0], d.features(same)[1])


@FAMILIES
@pytest.mark.parametrize("options", [{}, {"spectral": True}, {"minibatch_std": True}])
def test_in_evaluation_each_sample_stands_alone(G: type, D: type, options: dict[str, bool]) -> None:
    g, d = G((1, 8, 8), d_z=5, width=4), D((1, 8, 8), width=4, **options)
    for _ in range(3):
        d(g(torch.randn(6, 5)))
    g.eval()
    d.eval()
    z = torch.randn(6, 5)
    alone = torch.cat([d(g(z[i : i + 1])) for i in range(6)])
    torch.testing.assert_close(d(g(z)), alone, atol=1e-5, rtol=1e-4)


@FAMILIES
def test_the_batch_statistic_sees_a_collapse_in_training(G: type, D: type) -> None:
    d = D((1, 8, 8), width=4, minibatch_std=True)
    nn.init.normal_(next(d.parameters()), std=0.5)
    x = torch.rand(6, 1, 8, 8)
    assert not torch.allclose(d(x)[0], d(x[:1].expand(6, -1, -1, -1))[0], atol=1e-7)


@FAMILIES
def test_spectral_normalisation_reaches_every_weight_of_the_critic(G: type, D: type) -> None:
    d = D((1, 8, 8), width=4, classes=2, spectral=True)
    for _ in range(60):
        d(torch.randn(2, 1, 8, 8), torch.tensor([0, 1]))
    d.eval()
    layers = [m for m in d.modules() if isinstance(m, nn.Linear | nn.Conv2d | nn.Embedding)]
    assert len(layers) >= 4
    for layer in layers:
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=0.05)


def test_first_weights_are_the_papers() -> None:
    def std(layer: nn.Module) -> Tensor:
        return layer.weight.std()

    for net in (ConvGenerator((1, 32, 32), d_z=100, width=32), ConvCritic((1, 32, 32), width=32)):
        for layer in net.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                assert abs(std(layer) - 0.02) < 0.004


@FAMILIES
def test_weights_stay_in_the_fast_order_when_they_are_loaded(G: type, D: type) -> None:
    d = D((3, 16, 16), width=4)
    d.load_state_dict({name: t.contiguous() for name, t in d.state_dict().items()})
    convolutions = [m for m in d.modules() if isinstance(m, nn.Conv2d)]
    assert all(m.weight.is_contiguous(memory_format=torch.channels_last) for m in convolutions)
