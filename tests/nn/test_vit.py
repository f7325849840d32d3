"""Transformers of patches: published counts and names, the plain formula, other sizes, order."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, layer_norm

from likeness.errors import InputError
from likeness.nn.heads import linear_head
from likeness.nn.vit import ViT, vit_small


def small(**given: object) -> ViT:
    return ViT(2, **{"side": 8, "patch": 4, "d": 6, "layers": 2, "heads": 2, **given})  # type: ignore[arg-type]


def test_parameters_are_the_published_ones() -> None:
    with torch.device("meta"):
        f = vit_small()
        whole = nn.Sequential(f, linear_head(f.d, 1000))
    assert sum(p.numel() for p in whole.parameters()) == 22_050_664
    assert f.pos_embed.shape == (1, 197, 384)


def test_tensors_are_named_as_timm_names_them() -> None:
    names = list(vit_small(side=32, patch=16).state_dict())
    assert names[:4] == ["cls_token", "pos_embed", "patch_embed.proj.weight", "patch_embed.proj.bias"]
    inside = ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")
    assert names[4:16] == [f"blocks.0.{layer}.{part}" for layer in inside for part in ("weight", "bias")]
    assert names[-2:] == ["norm.weight", "norm.bias"]


def plain(f: ViT, x: Tensor) -> Tensor:
    """The features of one image, one patch and one head after the other."""
    s, d, p = f.state_dict(), f.d, f.patch
    patches = [x[:, i : i + p, j : j + p].flatten() for i in range(0, x.shape[1], p) for j in range(0, x.shape[2], p)]
    rows = [s["patch_embed.proj.weight"].flatten(1) @ v + s["patch_embed.proj.bias"] for v in patches]
    z = torch.stack(rows if f.cls_token is None else [s["cls_token"][0, 0], *rows]) + s["pos_embed"][0]
    for i in range(len(f.blocks)):
        w = {name.removeprefix(f"blocks.{i}."): v for name, v in s.items() if name.startswith(f"blocks.{i}.")}
        h = layer_norm(z, (d,), w["norm1.weight"], w["norm1.bias"], 1e-6)
        q, k, v = (h @ w["attn.qkv.weight"].T + w["attn.qkv.bias"]).split(d, 1)
        heads = []
        for at in range(0, d, d // 2):
            own = slice(at, at + d // 2)
            scores = q[:, own] @ k[:, own].T / math.sqrt(d // 2)
            heads.append((scores.exp() / scores.exp().sum(1, keepdim=True)) @ v[:, own])
        z = z + torch.cat(heads, 1) @ w["attn.proj.weight"].T + w["attn.proj.bias"]
        h = layer_norm(z, (d,), w["norm2.weight"], w["norm2.bias"], 1e-6)
        h = gelu(h @ w["mlp.fc1.weight"].T + w["mlp.fc1.bias"])
        z = z + h @ w["mlp.fc2.weight"].T + w["mlp.fc2.bias"]
    z = layer_norm(z, (d,), s["norm.weight"], s["norm.bias"], 1e-6)
    return z.mean(0) if f.cls_token is None else z[0]


@pytest.mark.parametrize("token", [False, True])
def test_it_is_the_plain_formula(token: bool) -> None:
    f, x = small(token=token), torch.randn(3, 2, 8, 8)
    for p in f.parameters():
        nn.init.normal_(p, std=0.4)
    torch.testing.assert_close(f(x), torch.stack([plain(f, image) for image in x]), atol=1e-5, rtol=1e-4)


def test_other_sizes_share_the_network() -> None:
    f = small()
    for size in ((8, 8), (16, 16), (12, 20), (4, 4)):
        assert f(torch.randn(2, 2, *size)).shape == (2, 6)
        assert f.tokens(torch.randn(2, 2, *size)).shape == (2, 1 + size[0] * size[1] // 16, 6)


def test_positions_that_are_the_same_everywhere_stay_so_when_they_are_drawn_out() -> None:
    f = small(token=False)
    with torch.no_grad():
        f.pos_embed[:] = f.pos_embed[:, :1]
    _, where = f._positions(5, 3)
    torch.testing.assert_close(where, f.pos_embed[:, :1].expand(1, 15, 6))


def test_order_is_told_by_the_positions_alone() -> None:
    f, x = small(token=False, side=8), torch.randn(2, 2, 8, 8)
    nn.init.normal_(f.pos_embed)
    turned = x.roll(4, 3)  # the patches of each row exchanged
    assert not torch.allclose(f(x), f(turned), atol=1e-4)
    nn.init.zeros_(f.pos_embed)
    torch.testing.assert_close(f(x), f(turned))


def test_what_cannot_be_cut_is_refused() -> None:
    with pytest.raises(InputError, match="10×10 in patches of 4"):
        small(side=10)
    with pytest.raises(InputError, match="8×9 in patches of 4"):
        small()(torch.zeros(1, 2, 8, 9))
    with pytest.raises(InputError, match="width 6 for 4 heads"):
        small(heads=4)
