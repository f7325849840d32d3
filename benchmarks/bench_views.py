"""Two views of a batch with SimCLR's policy: all images at once against Pillow, image by image, as torchvision does it.

Both get whole-byte images as a data set keeps them and give floats in [-1, 1]. Pillow's images are shared by two
threads (it leaves Python's lock while it works) or done by one, whichever is faster; torch has two threads.
"""

import math
import random
import statistics
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from harness import record, side_by_side
from PIL import Image, ImageEnhance, ImageFilter
from torch import Tensor

from likeness.data.views import simclr, two

SIZES = {32: 256, 96: 64}  # pixels a side: images a batch
BAR = 3.0


def resized_crop(image: Image.Image, size: int) -> Image.Image:
    w, h = image.size
    for _ in range(10):
        area, ratio = w * h * random.uniform(0.08, 1.0), math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
        wide, high = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < wide <= w and 0 < high <= h:
            left, top = random.randint(0, w - wide), random.randint(0, h - high)
            image = image.crop((left, top, left + wide, top + high))
            break
    return image.resize((size, size), Image.Resampling.BILINEAR)


def turned(image: Image.Image, by: float) -> Image.Image:
    hue, saturation, value = image.convert("HSV").split()
    moved = np.asarray(hue) + np.uint8(int(by * 255) % 256)
    return Image.merge("HSV", (Image.fromarray(moved), saturation, value)).convert("RGB")


def jittered(image: Image.Image) -> Image.Image:
    factor = lambda: random.uniform(0.2, 1.8)  # noqa: E731
    ways: list[Callable[[Image.Image], Image.Image]] = [
        lambda i: ImageEnhance.Brightness(i).enhance(factor()),
        lambda i: ImageEnhance.Contrast(i).enhance(factor()),
        lambda i: ImageEnhance.Color(i).enhance(factor()),
        lambda i: turned(i, random.uniform(-0.2, 0.2)),
    ]
    random.shuffle(ways)
    for way in ways:
        image = way(image)
    return image


def one(image: Image.Image, size: int) -> Tensor:
    image = resized_crop(image, size)
    if random.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if random.random() < 0.8:
        image = jittered(image)
    if random.random() < 0.2:
        image = image.convert("L").convert("RGB")
    if random.random() < 0.5:
        image = image.filter(ImageFilter.GaussianBlur(random.uniform(0.1, 2.0)))
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).float().div(127.5).sub(1)


def main() -> None:
    torch.set_num_threads(2)
    pool = ThreadPoolExecutor(2)
    for size, n in SIZES.items():
        pixels = torch.randint(0, 256, (n, 8, 8, 3), generator=torch.Generator().manual_seed(0)).byte()
        images = [Image.fromarray(p.numpy()).resize((size, size), Image.Resampling.BICUBIC) for p in pixels]
        x = torch.from_numpy(np.stack([np.asarray(i) for i in images])).permute(0, 3, 1, 2).contiguous()
        views = two(simclr(size, p_blur=0.5))
        work: dict[str, Callable[[], object]] = {
            "batch": lambda: views(x.float().div(127.5).sub(1)),
            "Pillow, one thread": lambda: [torch.stack([one(i, size) for i in images]) for _ in range(2)],
            "Pillow, two threads": lambda: [
                torch.stack(list(pool.map(lambda i: one(i, size), images, chunksize=16))) for _ in range(2)
            ],
        }
        times = side_by_side(work, rounds=10)
        fastest = min(list(work)[1:], key=lambda name: statistics.median(times[name]))
        facts = {"images": n, "side": size, "all_ms": {k: round(1000 * statistics.median(t), 2) for k, t in times.items()}}
        pair = {name: times[name] for name in ("batch", fastest)}
        record(f"views_{size}", pair, reference=fastest, bar=BAR, better="higher", facts=facts)


if __name__ == "__main__":
    main()
