"""The shared parts: projection, batch statistics, and which images can be halved."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from likeness import ranks
from likeness.errors import InputError
from likeness.lockstep import lockstep
from likeness.nn.blocks import BatchNorm1d, BatchNorm2d, Entry, MinibatchStd, Projection, stages


def test_entry_adds_the_offset_of_the_class() -> None:
    entry = Entry(3, 4, classes=2)
    x, y = torch.randn(5, 3), torch.tensor([0, 1, 1, 0, 1])
    torch.testing.assert_close(entry(x, y), entry.linear(x) + entry.embed.weight[y])


def test_projection_is_one_linear_classifier_a_class() -> None:
    head = Projection(4, classes=3)
    features, y = torch.randn(6, 4), torch.arange(6) % 3
    rows = [(head.linear.weight[0] + head.embed.weight[c]) @ f + head.linear.bias[0] for c, f in zip(y, features)]
    torch.testing.assert_close(head(features, y), torch.stack(rows))


@pytest.mark.parametrize("shape", [(5, 3), (5, 3, 4, 4)])
def test_the_spread_of_the_batch(shape: tuple[int, ...]) -> None:
    layer, x = MinibatchStd(), torch.randn(shape)
    out = layer(x)
    assert torch.equal(out[:, :3], x)
    torch.testing.assert_close(out[:, 3:], x.std(0, correction=0).mean().expand_as(x[:, :1]))
    same = layer(x[:1].expand(shape))
    assert same[:, 3:].max() < 1e-3, "a collapsed batch must be seen"


def test_in_evaluation_the_spread_is_the_running_mean_of_training() -> None:
    layer = MinibatchStd()
    for _ in range(2000):
        layer(3 * torch.randn(64, 2))
    layer.eval()
    a, b = torch.zeros(1, 2), torch.randn(9, 2)
    assert torch.equal(layer(a)[0, 2], layer(b)[4, 2])
    assert layer(a)[0, 2].item() == pytest.approx(3, rel=0.02)


@given(base=st.integers(4, 7), halvings=st.integers(1, 4), channels=st.integers(1, 5), width=st.integers(1, 9))
def test_stages(base: int, halvings: int, channels: int, width: int) -> None:
    side = base * 2**halvings
    found = stages((channels, side, side), width)
    assert found.base * 2 ** len(found.widths) == side
    assert found.base <= 7
    assert len(found.widths) >= 2 or base % 2, "a small even image is halved twice"
    assert list(found.widths) == [width * min(2**i, 8) for i in range(len(found.widths))]


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((1, 28, 32), "28×32 are not square"),
        ((3, 100, 100), "resize to 96 or 112"),
        ((3, 9, 9), "resize to 8 or 10"),
        ((3, 127, 127), "resize to 112 or 128"),
        ((3, 4, 4), "from 8 to 128"),
        ((3, 256, 256), "from 8 to 128"),
        ((28, 28), "channels, height, width"),
    ],
)
def test_other_images_are_refused_with_a_remedy(shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        stages(shape, 8)


@pytest.mark.parametrize(("layer", "theirs"), [(BatchNorm1d, nn.BatchNorm1d), (BatchNorm2d, nn.BatchNorm2d)])
def test_batch_normalisation_is_torchs_own_and_in_parts_that_of_the_whole(
    layer: type[nn.Module], theirs: type[nn.Module]
) -> None:
    x = 3 * torch.randn(7, 3, *((2, 5) if layer is BatchNorm2d else ())) + 20
    alone, ours, expected = layer(3), [layer(3), layer(3)], theirs(3)
    y = expected(x)
    assert torch.equal(alone(x), y)

    def play(rank: int) -> torch.Tensor:
        part = ranks.world().part(7)
        with ranks.holding(part):
            return ours[rank](x[part.start : part.start + part.n])

    torch.testing.assert_close(torch.cat(lockstep(2, play)), y, atol=1e-5, rtol=1e-5)
    for norm in (alone, *ours):
        torch.testing.assert_close(norm.state_dict(), expected.state_dict())
        torch.testing.assert_close(norm.eval()(x), expected.eval()(x))


def test_a_single_sample_cannot_be_normalised_but_two_processes_of_one_can() -> None:
    for layer, x in ((BatchNorm1d(3), torch.randn(1, 3)), (BatchNorm2d(3), torch.randn(1, 3, 4, 4))):
        with pytest.raises(InputError, match=r"a batch of 1 sample in training.*batches of 2 or more.*eval"):
            layer(x)
        assert layer.eval()(x).shape == x.shape
    norms, x = [BatchNorm1d(3), BatchNorm1d(3)], torch.randn(2, 3)

    def play(rank: int) -> torch.Tensor:
        with ranks.holding(ranks.world().part(2)):
            return norms[rank](x[rank : rank + 1])

    torch.testing.assert_close(torch.cat(lockstep(2, play)), BatchNorm1d(3)(x))
