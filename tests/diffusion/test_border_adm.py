"""Their weights under their names: the published network written plainly from a state dict, and ours beside it."""

import math
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from likeness.diffusion.border_adm import PLANS, exported, load, pairs, tensors, translated
from likeness.errors import InputError
from likeness.nn.adm_unet import Plan, UNet

SMALL = Plan(32, (1, 2), blocks=2, attention=(8, 4), head_channels=16)
PLAIN = Plan(32, (1, 2), blocks=1, attention=(4,), heads=1, adaptive=False, resblock_updown=False)


def made(plan: Plan, classes: int = 5) -> UNet:
    net = UNet((3, 8, 8), outputs=2, classes=classes, plan=plan)
    for p in net.parameters():  # some begin at zero, where nothing could be told apart
        torch.nn.init.normal_(p, std=0.1)
    return net


def norm(sd: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    groups = math.gcd(32, x.shape[1] // 4)  # of layers as narrow as these; 32 in the published ones
    return F.group_norm(x, groups, sd[f"{name}.weight"], sd[f"{name}.bias"])


def conv(sd: dict[str, Tensor], name: str, x: Tensor, **given: int) -> Tensor:
    w = sd[f"{name}.weight"]
    return F.conv2d(x, w, sd[f"{name}.bias"], padding=w.shape[-1] // 2, **given)


def residual(sd: dict[str, Tensor], name: str, x: Tensor, e: Tensor, side: int) -> Tensor:
    """ResBlock of guided-diffusion; `side` is +1 where it doubles, −1 where it halves the image."""
    move = {1: lambda v: F.interpolate(v, scale_factor=2), -1: lambda v: F.avg_pool2d(v, 2), 0: lambda v: v}[side]
    h = conv(sd, f"{name}.in_layers.2", move(F.silu(norm(sd, f"{name}.in_layers.0", x))))
    emb = F.linear(F.silu(e), sd[f"{name}.emb_layers.1.weight"], sd[f"{name}.emb_layers.1.bias"])[:, :, None, None]
    if emb.shape[1] == 2 * h.shape[1]:
        scale, shift = emb.chunk(2, 1)
        h = norm(sd, f"{name}.out_layers.0", h) * (1 + scale) + shift
    else:
        h = norm(sd, f"{name}.out_layers.0", h + emb)
    h = conv(sd, f"{name}.out_layers.3", F.silu(h))
    x = move(x)
    return h + (conv(sd, f"{name}.skip_connection", x) if f"{name}.skip_connection.weight" in sd else x)


def attention(sd: dict[str, Tensor], name: str, x: Tensor, heads: int) -> Tensor:
    """AttentionBlock with QKVAttentionLegacy."""
    n, c, h, w = x.shape
    qkv = F.conv1d(norm(sd, f"{name}.norm", x).flatten(2), sd[f"{name}.qkv.weight"], sd[f"{name}.qkv.bias"])
    q, k, v = qkv.reshape(n * heads, 3 * c // heads, h * w).split(c // heads, 1)
    weight = torch.einsum("bct,bcs->bts", q, k).div((c // heads) ** 0.5).softmax(-1)
    a = torch.einsum("bts,bcs->bct", weight, v).reshape(n, c, h * w)
    return x + F.conv1d(a, sd[f"{name}.proj_out.weight"], sd[f"{name}.proj_out.bias"]).view(x.shape)


def published(sd: dict[str, Tensor], plan: Plan, x: Tensor, t: Tensor, y: Tensor | None) -> Tensor:
    """UNetModel.forward, from the names of its weights alone."""

    def heads(c: int) -> int:
        return plan.heads or c // plan.head_channels

    def run(block: str, h: Tensor, e: Tensor, side: int) -> Tensor:
        place = 0
        while any(key.startswith(f"{block}.{place}.") for key in sd):
            name = f"{block}.{place}"
            if f"{name}.in_layers.0.weight" in sd:
                alone = place > 0 or not any(key.startswith(f"{block}.1.") for key in sd)
                h = residual(sd, name, h, e, side if (side < 0 and alone) or (side > 0 and place > 0) else 0)
            elif f"{name}.qkv.weight" in sd:
                h = attention(sd, name, h, heads(h.shape[1]))
            elif f"{name}.op.weight" in sd:
                h = conv(sd, f"{name}.op", h, stride=2)
            elif f"{name}.conv.weight" in sd:
                h = conv(sd, f"{name}.conv", F.interpolate(h, scale_factor=2))
            else:
                h = conv(sd, name, h)
            place += 1
        return h

    half = plan.width // 2
    angle = t[:, None] * torch.exp(-torch.log(torch.tensor(10_000.0)) * torch.arange(half) / half)
    e = F.linear(torch.cat((angle.cos(), angle.sin()), 1), sd["time_embed.0.weight"], sd["time_embed.0.bias"])
    e = F.linear(F.silu(e), sd["time_embed.2.weight"], sd["time_embed.2.bias"])
    e = e if y is None else e + sd["label_emb.weight"][y]
    kept, h, levels = [], x, len(plan.multipliers)
    for i in range(levels * (plan.blocks + 1)):
        h = run(f"input_blocks.{i}", h, e, -1 if i and i % (plan.blocks + 1) == 0 else 0)
        kept.append(h)
    h = run("middle_block", h, e, 0)
    for i in range(levels * (plan.blocks + 1)):
        last = i % (plan.blocks + 1) == plan.blocks and i < levels * (plan.blocks + 1) - 1
        h = run(f"output_blocks.{i}", torch.cat((h, kept.pop()), 1), e, 1 if last else 0)
    return conv(sd, "out.2", F.silu(norm(sd, "out.0", h)))


@pytest.mark.parametrize("plan", [SMALL, PLAIN], ids=["adm", "ddpm"])
def test_ours_is_the_published_network(plan: Plan) -> None:
    net, x, t = made(plan), torch.randn(2, 3, 8, 8), torch.tensor([3.0, 700.0])
    y = torch.tensor([0, 4])
    with torch.no_grad():
        torch.testing.assert_close(net(x, t, y), published(exported(net), plan, x, t, y), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("plan", [SMALL, PLAIN], ids=["adm", "ddpm"])
@pytest.mark.parametrize("legacy", [True, False])
def test_there_and_back_is_exact_and_leaves_nothing_out(plan: Plan, legacy: bool) -> None:
    net = made(plan)
    assert {p.ours for p in pairs(net)} == set(net.state_dict())
    again = translated(net, exported(net, legacy=legacy), legacy=legacy)
    assert all(torch.equal(again[name], value) for name, value in net.state_dict().items())


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_from_a_file(tmp_path: Path, suffix: str) -> None:
    net, other, path = made(SMALL), made(SMALL), tmp_path / f"weights{suffix}"
    state = exported(net)
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    load(other, path)
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), other.state_dict().values()))


class Harm:
    def __reduce__(self):
        return (Path.touch, (Path("harmed"),))


def test_what_is_no_checkpoint_of_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    net = made(SMALL)
    Path("bad.pt").write_bytes(pickle.dumps(Harm()))
    torch.save({"weights": Harm()}, "worse.pt")
    for name in ("bad.pt", "worse.pt"):
        with pytest.raises(InputError, match="safetensors"):
            load(net, name)
    assert not Path("harmed").exists()
    with pytest.raises(InputError, match="no such file"):
        tensors(Path("none.pt"))
    state = exported(net)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    for change, named in (
        (lambda s: s.pop("out.2.bias"), "out.2.bias"),
        (lambda s: s.update(more=torch.zeros(1)), "more"),
        (lambda s: s.update({"out.2.bias": torch.zeros(3)}), "shape"),
    ):
        wrong = dict(state)
        change(wrong)
        save_file(wrong, "wrong.safetensors")
        with pytest.raises(InputError, match=named):
            load(net, "wrong.safetensors")
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())


def test_published_plans_have_the_published_numbers_of_parameters() -> None:
    """In millions: 296 (ImageNet 64), 422 (128), 554 (256), counted without memory for them."""
    with torch.device("meta"):
        sizes = {
            name: sum(p.numel() for p in UNet((3, side, side), outputs=2, classes=1000, plan=PLANS[name]).parameters())
            for name, side in (("imagenet64", 64), ("imagenet128", 128), ("imagenet256", 256))
        }
    assert {name: round(n / 1e6) for name, n in sizes.items()} == {
        "imagenet64": 296, "imagenet128": 422, "imagenet256": 554
    }  # fmt: skip
