"""A small folder of text lines that can be learned in seconds: an `a` is a block, a `b` a bar, dark on white."""

from pathlib import Path

import numpy as np
from PIL import Image


def image(text: str, height: int = 8) -> np.ndarray:
    """Twelve columns for each letter, of which eight have ink."""
    x = np.full((height, 12 * len(text) + 4), 255, np.uint8)
    for k, letter in enumerate(text):
        x[1 : height - 1 if letter == "a" else height // 2 - 1, 12 * k + 2 : 12 * k + 10] = 10 + 5 * k
    return x


def texts(n: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list("ab"), rng.integers(1, 5))) for _ in range(n)]


def write_lines(place: Path, n: int = 90, *, labelled: bool = True, height: int = 8, seed: int = 0) -> Path:
    """Images with their list; no two are alike, so that none of them leaves the training part."""
    place.mkdir(parents=True)
    rng, rows = np.random.default_rng(seed), []
    for i, text in enumerate(texts(n, seed)):
        x = image(text, height)
        x[:, :2] = np.minimum(x[:, :2], rng.integers(200, 256, (height, 2)))
        Image.fromarray(x).save(place / f"{i:03}.png")
        rows.append(f"{i:03}.png\t{text}" if labelled else f"{i:03}.png")
    (place / "labels.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return place
