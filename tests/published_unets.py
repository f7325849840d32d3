"""The networks of ADM and of EDM written plainly, in the published order and under the published names."""

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, silu


def stirred(net: nn.Module, seed: int = 0) -> nn.Module:
    """No parameter at its first value, none at zero."""
    source = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(0.15 * torch.randn(p.shape, generator=source))
    return net


def sinusoids(t: Tensor, d: int) -> Tensor:
    angle = t[:, None] * torch.tensor([10_000.0 ** (-i / (d // 2)) for i in range(d // 2)])
    return torch.cat((torch.cos(angle), torch.sin(angle)), 1)


def resized(x: Tensor, way: str | None) -> Tensor:
    return avg_pool2d(x, 2) if way == "down" else interpolate(x, scale_factor=2) if way == "up" else x


def softmaxed(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Of (…, c, places), one head."""
    weight = torch.softmax(q.mT @ k / q.shape[-2] ** 0.5, -1)
    return v @ weight.mT


class AdmBlock(nn.Module):
    def __init__(self, a: int, b: int, d: int, way: str | None = None, adaptive: bool = True) -> None:
        super().__init__()
        self.in_layers = nn.Sequential(nn.GroupNorm(32, a), nn.SiLU(), nn.Conv2d(a, b, 3, padding=1))
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(d, 2 * b if adaptive else b))
        self.out_layers = nn.Sequential(nn.GroupNorm(32, b), nn.SiLU(), nn.Dropout(0.0), nn.Conv2d(b, b, 3, padding=1))
        self.skip_connection = nn.Identity() if a == b else nn.Conv2d(a, b, 1)
        self.way, self.adaptive = way, adaptive

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        h = self.in_layers[2](resized(self.in_layers[1](self.in_layers[0](x)), self.way))
        told = self.emb_layers(e)[:, :, None, None]
        if self.adaptive:
            scale, shift = told.chunk(2, 1)
            h = self.out_layers[0](h) * (1 + scale) + shift
            h = self.out_layers[3](self.out_layers[1](h))
        else:
            h = self.out_layers(h + told)
        return self.skip_connection(resized(x, self.way)) + h


class AdmAttention(nn.Module):
    def __init__(self, c: int, heads: int, whole: bool) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(32, c)
        self.qkv, self.proj_out = nn.Conv1d(c, 3 * c, 1), nn.Conv1d(c, c, 1)
        self.heads, self.whole = heads, whole

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        n, c = x.shape[:2]
        qkv = self.qkv(self.norm(x.flatten(2)))
        if self.whole:
            q, k, v = (part.reshape(n * self.heads, c // self.heads, -1) for part in qkv.chunk(3, 1))
        else:
            q, k, v = qkv.reshape(n * self.heads, 3 * c // self.heads, -1).chunk(3, 1)
        return x + self.proj_out(softmaxed(q, k, v).reshape(n, c, -1)).reshape(x.shape)


class Down(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.op = nn.Conv2d(c, c, 3, stride=2, padding=1)

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        return self.op(x)


class Up(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c, c, 3, padding=1)

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        return self.conv(interpolate(x, scale_factor=2))


class AdmPool(nn.Module):
    def __init__(self, c: int, places: int, outputs: int, heads: int) -> None:
        super().__init__()
        self.positional_embedding = nn.Parameter(torch.randn(c, places + 1))
        self.qkv_proj, self.c_proj = nn.Conv1d(c, 3 * c, 1), nn.Conv1d(c, outputs, 1)
        self.heads = heads

    def forward(self, x: Tensor) -> Tensor:
        n, c = x.shape[:2]
        x = x.flatten(2)
        x = torch.cat((x.mean(2, keepdim=True), x), 2) + self.positional_embedding
        q, k, v = (part.reshape(n * self.heads, c // self.heads, -1) for part in self.qkv_proj(x).chunk(3, 1))
        return self.c_proj(softmaxed(q, k, v).reshape(n, c, -1))[:, :, 0]


class Adm(nn.Module):
    """`out` channels, or with `pooled` the encoder half with as many logits."""

    def __init__(
        self,
        *,
        c: int,
        out: int,
        side: int,
        width: int,
        multipliers: tuple,
        blocks: int,
        attention: tuple = (),
        head: int,
        classes: int = 0,
        updown: bool = True,
        adaptive: bool = True,
        whole: bool = False,
        pooled: bool = False,
    ) -> None:
        super().__init__()
        d, self.width, self.classes, self.pooled = 4 * width, width, classes, pooled

        def attend(c: int) -> AdmAttention:
            return AdmAttention(c, c // head, whole)

        self.time_embed = nn.Sequential(nn.Linear(width, d), nn.SiLU(), nn.Linear(d, d))
        if classes:
            self.label_emb = nn.Embedding(classes, d)
        a = int(multipliers[0] * width)
        self.input_blocks = nn.ModuleList([nn.ModuleList([nn.Conv2d(c, a, 3, padding=1)])])
        kept = [a]
        for i, m in enumerate(multipliers):
            for _ in range(blocks):
                b = int(m * width)
                parts = [AdmBlock(a, b, d, adaptive=adaptive)] + ([attend(b)] if side in attention else [])
                self.input_blocks.append(nn.ModuleList(parts))
                kept.append(a := b)
            if i < len(multipliers) - 1:
                self.input_blocks.append(nn.ModuleList([AdmBlock(a, a, d, "down", adaptive) if updown else Down(a)]))
                kept.append(a)
                side //= 2
        middle = [AdmBlock(a, a, d, adaptive=adaptive), attend(a), AdmBlock(a, a, d, adaptive=adaptive)]
        self.middle_block = nn.ModuleList(middle)
        if pooled:
            self.out = nn.Sequential(nn.GroupNorm(32, a), nn.SiLU(), AdmPool(a, side * side, out, a // head))
            return
        self.output_blocks = nn.ModuleList()
        for i, m in reversed(list(enumerate(multipliers))):
            for j in range(blocks + 1):
                b = int(m * width)
                parts = [AdmBlock(a + kept.pop(), b, d, adaptive=adaptive)] + ([attend(b)] if side in attention else [])
                a = b
                if i and j == blocks:
                    parts.append(AdmBlock(a, a, d, "up", adaptive) if updown else Up(a))
                    side *= 2
                self.output_blocks.append(nn.ModuleList(parts))
        self.out = nn.Sequential(nn.GroupNorm(32, a), nn.SiLU(), nn.Conv2d(a, out, 3, padding=1))

    def forward(self, x: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        e = self.time_embed(sinusoids(t, self.width))
        if self.classes:
            e = e + self.label_emb(y)
        h = self.input_blocks[0][0](x)
        kept = [h]
        for parts in self.input_blocks[1:]:
            for part in parts:
                h = part(h, e)
            kept.append(h)
        for part in self.middle_block:
            h = part(h, e)
        if not self.pooled:
            for parts in self.output_blocks:
                h = torch.cat((h, kept.pop()), 1)
                for part in parts:
                    h = part(h, e)
        return self.out(h)


class EdmBlock(nn.Module):
    def __init__(self, a: int, b: int, d: int, way: str | None = None, attention: bool = False) -> None:
        super().__init__()
        self.norm0, self.conv0 = nn.GroupNorm(min(32, a // 4), a), nn.Conv2d(a, b, 3, padding=1)
        self.affine = nn.Linear(d, 2 * b)
        self.norm1, self.conv1 = nn.GroupNorm(min(32, b // 4), b), nn.Conv2d(b, b, 3, padding=1)
        self.skip = nn.Conv2d(a, b, 1) if a != b else None
        self.way, self.a, self.b, self.heads = way, a, b, b // 64 if attention else 0
        if way:
            self.register_buffer("resample_filter", torch.full((1, 1, 2, 2), 0.25))
        if attention:
            self.norm2 = nn.GroupNorm(min(32, b // 4), b)
            self.qkv, self.proj = nn.Conv2d(b, 3 * b, 1), nn.Conv2d(b, b, 1)

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        before = x
        x = self.conv0(resized(silu(self.norm0(x)), self.way))
        scale, shift = self.affine(e)[:, :, None, None].chunk(2, 1)
        x = self.conv1(silu(shift + self.norm1(x) * (scale + 1)))
        before = resized(before, self.way)
        x = x + (before if self.skip is None else self.skip(before))
        if self.heads:
            n = len(x)
            q, k, v = self.qkv(self.norm2(x)).reshape(n * self.heads, self.b // self.heads, 3, -1).unbind(2)
            x = self.proj(softmaxed(q, k, v).reshape(x.shape)) + x
        return x


class Edm(nn.Module):
    def __init__(
        self, *, c: int, side: int, width: int, multipliers: tuple, blocks: int, attention: tuple = (), classes: int = 0
    ) -> None:
        super().__init__()
        d, self.width = 4 * width, width
        self.map_layer0, self.map_layer1 = nn.Linear(width, d), nn.Linear(d, d)
        self.map_augment = nn.Linear(9, width, bias=False)
        self.map_label = nn.Linear(classes, d, bias=False) if classes else None
        self.enc, self.dec, kept, a = nn.ModuleDict(), nn.ModuleDict(), [], c
        for i, m in enumerate(multipliers):
            s = side >> i
            if i == 0:
                self.enc[f"{s}x{s}_conv"] = nn.Conv2d(c, width * m, 3, padding=1)
                a = width * m
            else:
                self.enc[f"{s}x{s}_down"] = EdmBlock(a, a, d, "down")
            kept.append(a)
            for j in range(blocks):
                self.enc[f"{s}x{s}_block{j}"] = EdmBlock(a, width * m, d, attention=s in attention)
                a = width * m
                kept.append(a)
        for i, m in reversed(list(enumerate(multipliers))):
            s = side >> i
            if i == len(multipliers) - 1:
                self.dec[f"{s}x{s}_in0"] = EdmBlock(a, a, d, attention=True)
                self.dec[f"{s}x{s}_in1"] = EdmBlock(a, a, d)
            else:
                self.dec[f"{s}x{s}_up"] = EdmBlock(a, a, d, "up")
            for j in range(blocks + 1):
                self.dec[f"{s}x{s}_block{j}"] = EdmBlock(a + kept.pop(), width * m, d, attention=s in attention)
                a = width * m
        self.out_norm, self.out_conv = nn.GroupNorm(min(32, a // 4), a), nn.Conv2d(a, c, 3, padding=1)

    def forward(self, x: Tensor, t: Tensor, one_hot: Tensor | None = None) -> Tensor:
        e = self.map_layer1(silu(self.map_layer0(sinusoids(t, self.width))))
        if self.map_label is not None:
            e = e + self.map_label(one_hot)
        e, kept = silu(e), []
        for block in self.enc.values():
            x = block(x, e) if isinstance(block, EdmBlock) else block(x)
            kept.append(x)
        for block in self.dec.values():
            if x.shape[1] != block.a:
                x = torch.cat((x, kept.pop()), 1)
            x = block(x, e)
        return self.out_conv(silu(self.out_norm(x)))
