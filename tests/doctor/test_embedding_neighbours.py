"""Counts are those of the lists, and the pictures are of rows whose neighbours are their likes."""

import torch

from likeness.doctor.embedding_neighbours import neighbours


def test_fewer_rows_than_neighbours_are_said() -> None:
    part = neighbours(torch.randn(6, 3), True)
    assert part.numbers["neighbours"] == 5
    assert any("only 6 rows" in w for w in part.words)
    assert not part.findings


def test_a_row_in_the_middle_of_all_is_a_hub() -> None:
    z = torch.nn.functional.normalize(torch.randn(400, 200), dim=1)
    z[:4] = 0.01 * torch.randn(4, 200)
    part = neighbours(z, False)
    assert "in 39" in part.findings[0].saw
    assert part.numbers["share of the most wanted 1 % in all lists"] > 0.35
    assert not neighbours(z[4:], False).findings


def test_equal_rows_have_no_neighbours_to_speak_of() -> None:
    part = neighbours(torch.ones(200, 3), True)
    assert "one point" in part.words[0]
    assert not part.findings


def test_pictures_show_each_class_and_say_how_many_are_alike() -> None:
    y = torch.arange(80) % 4
    z = torch.eye(4)[y] + 0.01 * torch.randn(80, 4)
    images = y.float()[:, None, None, None].expand(80, 1, 4, 4) / 2 - 1
    part = neighbours(z, True, images, y, tuple("abcd"))
    assert len(part.charts) == 2
    assert "data:image/png;base64," in part.charts[1]
    assert "100% of the neighbours shown" in part.charts[1]
    assert "own class" not in neighbours(z, True, images).charts[1]
