"""Residual encoders: published counts and names, the plain formula, what stems do, and a block that passes on."""

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.functional import conv2d, cross_entropy, max_pool2d, relu
from torch.optim import SGD

from likeness import ranks
from likeness.errors import InputError
from likeness.lockstep import lockstep
from likeness.nn.heads import linear_head
from likeness.nn.resnet_encoder import Basic, Bottleneck, ResNetEncoder, resnet18, resnet34, resnet50, resnet_cifar


@pytest.mark.parametrize(
    ("make", "d", "count"),
    [(resnet18, 512, 11_689_512), (resnet34, 512, 21_797_672), (resnet50, 2048, 25_557_032)],
)
def test_parameters_are_the_published_ones(make: object, d: int, count: int) -> None:
    with torch.device("meta"):
        f = make()  # type: ignore[operator]
        whole = nn.Sequential(f, linear_head(f.d, 1000))
    assert f.d == d
    assert sum(p.numel() for p in whole.parameters()) == count


def test_networks_of_cifar_have_the_papers_parameters() -> None:
    """He et al., table 6: 0.27, 0.46, 0.66 and 0.85 million, of 20 to 56 layers, ways round without parameters."""
    for depth, millions in ((20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85)):
        f = resnet_cifar(depth)
        ways = sum(p.numel() for name, p in f.named_parameters() if "downsample" in name)
        whole = sum(p.numel() for p in f.parameters()) - ways + 65 * 10
        assert round(whole / 1e6, 2) == millions
        layers = sum(isinstance(m, nn.Conv2d) for name, m in f.named_modules() if "downsample" not in name)
        assert layers + 1 == depth
    with pytest.raises(InputError, match="21 layers: give 6 k"):
        resnet_cifar(21)


def test_tensors_are_named_as_torchvision_names_them() -> None:
    names = set(resnet50(width=2).state_dict())
    for name in ("conv1.weight", "bn1.running_var", "layer1.0.downsample.0.weight", "layer1.0.downsample.1.bias",
                 "layer3.5.conv3.weight", "layer4.2.bn3.num_batches_tracked"):  # fmt: skip
        assert name in names
    assert len(names) == 318, "those of torchvision's resnet50 without fc.weight and fc.bias"
    assert len(resnet18(width=2).state_dict()) == 120


def norm(x: Tensor, state: dict[str, Tensor], name: str) -> Tensor:
    mean, var, w, b = (state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
    return (x - mean[:, None, None]) / (var[:, None, None] + 1e-5).sqrt() * w[:, None, None] + b[:, None, None]


def plain(f: ResNetEncoder, x: Tensor, blocks: tuple[int, ...], small: bool) -> Tensor:
    """The network again, from its state alone."""
    s = f.state_dict()
    h = relu(norm(conv2d(x, s["conv1.weight"], stride=1 if small else 2, padding=1 if small else 3), s, "bn1"))
    h = h if small else max_pool2d(h, 3, 2, 1)
    for k, count in enumerate(blocks):
        for i in range(count):
            at, stride = f"layer{k + 1}.{i}", 2 if k and not i else 1
            deep = f"{at}.conv3.weight" in s
            y = relu(norm(conv2d(h, s[f"{at}.conv1.weight"], stride=1 if deep else stride, padding=int(not deep)), s,
                          f"{at}.bn1"))  # fmt: skip
            y = norm(conv2d(y, s[f"{at}.conv2.weight"], stride=stride if deep else 1, padding=1), s, f"{at}.bn2")
            if deep:
                y = norm(conv2d(relu(y), s[f"{at}.conv3.weight"]), s, f"{at}.bn3")
            if f"{at}.downsample.0.weight" in s:
                h = norm(conv2d(h, s[f"{at}.downsample.0.weight"], stride=stride), s, f"{at}.downsample.1")
            h = relu(y + h)
    return h.mean((2, 3))


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize(("block", "blocks"), [(Basic, (2, 2, 2, 2)), (Bottleneck, (3, 4, 6, 3))])
def test_it_is_the_plain_formula(block: type[nn.Module], blocks: tuple[int, ...], small: bool) -> None:
    f = ResNetEncoder(3, block, blocks, width=4, small=small)
    for part in f.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.running_mean, -0.3, 0.3)
            nn.init.uniform_(part.running_var, 0.5, 2)
            nn.init.uniform_(part.weight, 0.3, 0.6)
            nn.init.uniform_(part.bias, -0.2, 0.2)
    x = torch.randn(2, 3, 40, 33)
    torch.testing.assert_close(f.eval()(x), plain(f, x, blocks, small), atol=1e-4, rtol=1e-4)


def test_a_block_with_nothing_to_learn_passes_on_what_it_is_given() -> None:
    x = torch.rand(3, 8, 5, 5)
    for block in (Basic(8, 8, 1), Bottleneck(8, 2, 1)):
        last = block.bn2 if isinstance(block, Basic) else block.bn3
        nn.init.zeros_(last.weight)
        assert torch.equal(block(x), x)
    lone = Basic(8, 8, 1, residual=False)
    nn.init.zeros_(lone.bn2.weight)
    assert float(lone(x).detach().abs().max()) == 0


def test_the_stem_of_small_images_keeps_their_size() -> None:
    """A pixel is 1/8 of the side of the last map of small images, and 1/32 of that of photographs."""
    for small, side in ((True, 32), (False, 64)):
        f, sizes = resnet18(1, width=2, small=small).eval(), []
        f.layer4.register_forward_hook(lambda _, __, out, sizes=sizes: sizes.append(out.shape[2:]))
        assert f(torch.zeros(1, 1, side, side)).shape == (1, 16)
        assert sizes[0] == (side // (8 if small else 32),) * 2


def test_depth_harms_the_training_of_plain_networks_and_residual_ones_less() -> None:
    """He et al., figure 1: what is worse is the loss in training, so it is no overfitting."""
    digits = load_digits()
    x, y = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 8 - 1, torch.tensor(digits.target)
    order = torch.randperm(len(x))[: 50 * 32].view(50, 32)

    def loss(depth: int, residual: bool) -> float:
        torch.manual_seed(0)
        net = nn.Sequential(f := resnet_cifar(depth, 1, width=8, residual=residual), linear_head(f.d, 10))
        optimiser, losses = SGD(net.parameters(), 0.1, momentum=0.9), []
        for batch in order:
            losses.append(cross_entropy(net(x[batch]), y[batch]))
            optimiser.zero_grad()
            losses[-1].backward()
            optimiser.step()
        return float(torch.stack(losses[-10:]).detach().mean())

    shallow, plain, residual = loss(8, False), loss(26, False), loss(26, True)
    assert plain > 3 * shallow
    assert residual < 0.6 * plain


def test_two_processes_are_one() -> None:
    x, nets = torch.randn(5, 1, 8, 8), [resnet18(1, width=4, small=True) for _ in range(3)]
    for net in nets[1:]:
        net.load_state_dict(nets[0].state_dict())
    whole = nets[0](x)

    def play(rank: int) -> Tensor:
        part = ranks.world().part(5)
        with ranks.holding(part):
            return nets[1 + rank](x[part.start : part.start + part.n])

    torch.testing.assert_close(torch.cat(lockstep(2, play)), whole, atol=1e-4, rtol=1e-4)


def test_one_sample_is_refused_in_training_alone() -> None:
    f = resnet18(1, width=4, small=True)
    with pytest.raises(InputError, match="batches of 2 or more"):
        f(torch.randn(1, 1, 8, 8))
    assert f.eval()(torch.randn(1, 1, 8, 8)).shape == (1, 32)
