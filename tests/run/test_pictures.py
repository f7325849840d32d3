from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from likeness.errors import InputError
from likeness.run.pictures import GAP, GAP_SHADE, SAMPLE, grid, histograms, picture, pixels, scatter, tiled


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image)


def colour(pixels: np.ndarray, name: str) -> np.ndarray:
    """Where a picture shows a colour, up to the blending of its edges."""
    wanted = np.array([int(name[i : i + 2], 16) for i in (1, 3, 5)])
    return np.abs(pixels[..., :3].astype(int) - wanted).max(-1) < 40


def test_the_ends_of_the_range_are_black_and_white() -> None:
    x = torch.tensor([-1.0, 0.0, 1.0, -3.0, 3.0, float("nan")]).reshape(1, 1, 2, 3)
    assert pixels(x).flatten().tolist() == [0, 128, 255, 0, 255, 128]


def test_a_known_grid_pixel_by_pixel(tmp_path: Path) -> None:
    x = torch.tensor([-1.0, 1.0, 1.0]).reshape(3, 1, 1, 1).expand(3, 1, 2, 2)
    found = read(grid(x, tmp_path / "new" / "grid.png", columns=2))
    tile = 2 * 128  # 512 / (2 columns · 2 pixels) = 128 times enlarged
    assert found.shape == (2 * tile + GAP, 2 * tile + GAP)
    assert (found[:tile, :tile] == 0).all()
    assert (found[:tile, tile + GAP :] == 255).all()
    assert (found[tile + GAP :, :tile] == 255).all()
    assert (found[tile + GAP :, tile + GAP :] == GAP_SHADE).all(), "no fourth image"
    assert (found[tile : tile + GAP] == GAP_SHADE).all()


def test_colour_channels_keep_their_order(tmp_path: Path) -> None:
    x = -torch.ones(1, 3, 8, 8)
    x[:, 0] = 1
    assert (read(grid(x, tmp_path / "red.png")) == [255, 0, 0]).all()


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 12), c=st.sampled_from([1, 3]), h=st.integers(1, 5), w=st.integers(1, 5), k=st.integers(1, 5))
def test_every_image_stands_in_its_place(n: int, c: int, h: int, w: int, k: int) -> None:
    x = torch.randint(256, (n, c, h, w), dtype=torch.uint8)
    sheet = tiled(x, k)
    for i in range(n):
        top, left = i // k * (h + GAP), i % k * (w + GAP)
        assert torch.equal(sheet[:, top : top + h, left : left + w], x[i])


def test_large_images_are_not_enlarged(tmp_path: Path) -> None:
    assert read(grid(torch.zeros(4, 1, 300, 300), tmp_path / "g.png")).shape == (600 + GAP, 600 + GAP)


@pytest.mark.parametrize("shape", [(0, 1, 4, 4), (2, 2, 4, 4), (1, 4, 4, 4)])
def test_what_cannot_be_drawn_is_refused(shape: tuple[int, ...], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot draw images of shape"):
        grid(torch.zeros(shape), tmp_path / "g.png")
    assert not list(tmp_path.iterdir())


def test_pictures_of_one_reference_share_their_frame(tmp_path: Path) -> None:
    """The same sample stands at the same pixels, whatever else the picture shows."""
    data = torch.tensor([[-1.0, -1.0], [1.0, 1.0]])
    point = torch.tensor([[0.5, -0.5]])
    alone = read(scatter(point, tmp_path / "a.png", reference=data))
    more = torch.cat([point, torch.tensor([[80.0, 80.0], [float("nan"), 0.0]])])
    noted = read(scatter(more, tmp_path / "b.png", reference=data, modes=data))
    height, width = alone.shape[:2]
    around = slice(height // 2, height * 7 // 10), slice(width // 2, width * 9 // 10)
    blue = alone[around][..., 2] > alone[around][..., 0].astype(int) + 60
    assert blue.sum() > 10, "the point is seen"
    assert np.array_equal(alone[around], noted[around])
    assert not np.array_equal(alone, noted)


def test_samples_outside_the_frame_are_counted_and_said(tmp_path: Path) -> None:
    data = torch.rand(50, 2)
    near, far = data.clone(), data.clone()
    far[:7] += 100
    a = read(scatter(near, tmp_path / "a.png", reference=data))
    b = read(scatter(far, tmp_path / "b.png", reference=data))
    foot = slice(a.shape[0] * 85 // 100, None)
    assert (b[foot, :, 0] < 128).sum() > (a[foot, :, 0] < 128).sum() + 100, "a line of text more"


def test_histograms_show_shares(tmp_path: Path) -> None:
    """A sample that misses the reference altogether leaves no line of its colour above the axis."""
    data = torch.randn(400, 1)
    hit = read(histograms(data, tmp_path / "hit.png", reference=data))
    miss = read(histograms(data + 100, tmp_path / "miss.png", reference=data))
    top = slice(0, hit.shape[0] // 2)
    assert colour(hit[top], SAMPLE).sum() > 100
    assert colour(miss[top], SAMPLE).sum() == 0


def test_the_shape_of_a_sample_picks_the_picture(tmp_path: Path) -> None:
    images = picture(torch.zeros(100, 1, 8, 8), tmp_path / "i.png", reference=torch.zeros(2, 1, 8, 8))
    assert read(images).shape == (8 * 66 - GAP, 8 * 66 - GAP), "64 images, 8 times enlarged"
    plane = read(picture(torch.randn(30, 2), tmp_path / "p.png", modes=torch.zeros(1, 2)))
    line = read(picture(torch.randn(30, 1), tmp_path / "l.png", modes=torch.zeros(1, 1)))
    assert plane.shape[1] == line.shape[1] != plane.shape[0]
    few = read(picture(torch.randn(30, 4), tmp_path / "f.png"))
    twelve = read(picture(torch.randn(30, 12), tmp_path / "t.png"))
    more = read(picture(torch.randn(30, 40), tmp_path / "m.png"))
    assert few.shape[0] < twelve.shape[0] == more.shape[0], "at most twelve columns are drawn"


def test_no_finite_sample_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not one of them is finite"):
        scatter(torch.full((5, 2), torch.nan), tmp_path / "p.png")
    scatter(torch.full((5, 2), torch.nan), tmp_path / "p.png", reference=torch.randn(5, 2))


def test_a_constant_column_still_has_a_frame(tmp_path: Path) -> None:
    histograms(torch.ones(10, 3), tmp_path / "c.png", reference=torch.ones(10, 3))


def test_a_failed_write_leaves_the_old_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = grid(torch.zeros(1, 1, 4, 4), tmp_path / "g.png")
    before = path.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(InputError, match="no space left"):
        grid(torch.ones(1, 1, 4, 4), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
