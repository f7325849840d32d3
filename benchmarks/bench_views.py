"""Two views of a batch with SimCLR's policy: all images at once against Pillow, image by image, as torchvision does it.

Both get images of bytes, as a data set keeps them, and give floats in [-1, 1]. The work is shared by two threads (half
of the batch each; Pillow leaves Python's lock while it works, as torch does), with one thread of torch's own in each.
The bar is held against Pillow with two threads or with one, whichever is faster.
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


def compare(size: int, n: int, pool: ThreadPoolExecutor) -> None:
    pixels = torch.randint(0, 256, (n, 8, 8, 3), generator=torch.Generator().manual_seed(0)).byte()
    images = [Image.fromarray(p.numpy()).resize((size, size), Image.Resampling.BICUBIC) for p in pixels]
    x = torch.from_numpy(np.stack([np.asarray(i) for i in images])).permute(0, 3, 1, 2).contiguous()
    views = two(simclr(size, p_blur=0.5))
    ours = lambda part: views(part.float().div(127.5).sub(1))  # noqa: E731
    theirs = lambda part: [torch.stack([one(i, size) for i in part]) for _ in range(2)]  # noqa: E731
    half = n // 2
    work: dict[str, Callable[[], object]] = {
        "batch, two threads": lambda: list(pool.map(ours, (x[:half], x[half:]))),
        "batch, one thread": lambda: ours(x),
        "Pillow, two threads": lambda: list(pool.map(theirs, (images[:half], images[half:]))),
        "Pillow, one thread": lambda: theirs(images),
    }
    times = side_by_side(work, rounds=12)
    medians = {name: statistics.median(t) for name, t in times.items()}
    reference = min((name for name in work if name.startswith("Pillow")), key=medians.__getitem__)
    alone = statistics.median(a / b for a, b in zip(times["Pillow, one thread"], times["batch, one thread"]))
    facts = {"images": n, "side": size, "all_ms": {k: round(1000 * s, 2) for k, s in medians.items()}}
    facts["ratio_with_one_thread_each"] = round(alone, 2)
    print(facts)
    pair = {name: times[name] for name in ("batch, two threads", reference)}
    record(f"views_{size}", pair, reference=reference, bar=BAR, better="higher", facts=facts)


def main() -> None:
    torch.set_num_threads(1)
    with ThreadPoolExecutor(2, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for size, n in SIZES.items():
            compare(size, n, pool)


if __name__ == "__main__":
    main()
