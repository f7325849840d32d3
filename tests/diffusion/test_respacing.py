import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from likeness.diffusion.respacing import respaced, sections, stride
from likeness.diffusion.schedules import cosine, linear
from likeness.errors import InputError


def published(T: int, counts: list[int]) -> set[int]:
    """The published walk, whose place in a section is summed up stride by stride."""
    chosen, start = set(), 0
    for k, count in enumerate(counts):
        size = T // len(counts) + (1 if k < T % len(counts) else 0)
        apart, place = (1.0 if count <= 1 else (size - 1) / (count - 1)), 0.0
        for _ in range(count):
            chosen.add(start + round(place))
            place += apart
        start += size
    return chosen


@pytest.mark.parametrize("counts", [[250], [25], [10], [10, 15, 20], [1, 1, 2], [90, 60, 60, 20, 20]])
@pytest.mark.parametrize("T", [1000, 4000])
def test_sections_are_the_published_ones(T: int, counts: list[int]) -> None:
    assert set(sections(T, counts)) == published(T, counts)


@given(T=st.integers(10, 300), data=st.data())
def test_a_number_is_as_many_levels_from_the_first_to_the_last(T: int, data: st.DataObject) -> None:
    steps = data.draw(st.integers(2, T))
    chosen = sections(T, [steps])
    assert len(set(chosen)) == steps
    assert (chosen[0], chosen[-1]) == (0, T - 1)
    assert chosen == sorted(chosen)


def test_one_number_is_what_the_schedule_chooses() -> None:
    schedule = linear(1000)
    torch.testing.assert_close(respaced(schedule, "50"), schedule.levels(50))


def test_strides_are_whole_and_exact() -> None:
    schedule = cosine(1000)
    wanted = torch.cat((schedule.sigmas[::40].flip(0), torch.zeros(1).double()))
    assert torch.equal(respaced(schedule, "ddim25"), wanted)
    assert stride(1000, 1000) == list(range(1000))
    with pytest.raises(InputError, match="ddim300"):
        stride(1000, 300)


def test_the_noise_of_long_steps_is_that_of_the_short_ones_together() -> None:
    """β' = 1 − ᾱ'/ᾱ of levels that are left: what `transitions` makes of them."""
    schedule = linear(1000)
    levels = respaced(schedule, "10,10")
    kept = 1 / (1 + levels.square())
    whole = (1 - schedule.betas).cumprod(0).flip(0)
    assert all(float((whole - k).abs().min()) < 1e-9 for k in kept[:-1])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fast", "sampling steps 'fast'"),
        ("ddim5,5", "ddim5,5"),
        ("2000", "2000 sampling steps of 1000"),
        ("600,10", "600 sampling steps of 500"),
        ("0", "0 steps"),
        ("ddim0", "0 steps"),
    ],
)
def test_what_cannot_be_respaced_is_named(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        respaced(linear(1000), text)
