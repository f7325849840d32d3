"""Which of a schedule's T levels a draw visits, as the published code writes it: other ways than `schedule.levels`.

    "250"       so many, evenly spaced, the first and the last among them                            (1)
    "10,15,20"  the T levels in equal sections from the lowest up, so many of each                   (2)
    "ddim25"    every i-th from the lowest on, i such that they are exactly 25                       (3)

The variances and means of the longer steps follow from the levels (`transitions`), so that nothing else changes.

Alex Nichol, Prafulla Dhariwal. Improved Denoising Diffusion Probabilistic Models. 2021, section 4.
https://arxiv.org/abs/2102.09672
"""

from jaxtyping import Float
from torch import Tensor

from likeness.diffusion.schedules import Discrete, counted, falling
from likeness.errors import InputError


def respaced(schedule: Discrete, text: str) -> Float[Tensor, " levels"]:
    """The falling levels that the text says, zero at the end.

    Raises:
        InputError: the text is none of the three, or wants more levels than there are.
    """
    number, strided = text.removeprefix("ddim"), text.startswith("ddim")
    parts = [part.strip() for part in number.split(",")]
    if not all(part.isdecimal() for part in parts) or (strided and len(parts) > 1):
        raise InputError(f"sampling steps {text!r}: write a number, sections such as 10,15,20, or ddim25")
    counts = [int(part) for part in parts]
    chosen = stride(schedule.T, counts[0]) if strided else sections(schedule.T, counts)
    return falling(schedule.sigmas[chosen])


def stride(T: int, steps: int) -> list[int]:
    """Raises InputError where no whole stride gives exactly so many of T."""
    counted(steps)
    for i in range(1, T + 1):
        if len(range(0, T, i)) == steps:
            return list(range(0, T, i))  # (3)
    raise InputError(f"ddim{steps}: no whole stride visits exactly {steps} of {T} levels, take a divisor of {T}")


def sections(T: int, counts: list[int]) -> list[int]:
    """So many evenly spaced ones of each of the equal parts of T; the first parts are longer where T does not divide.

    Raises:
        InputError: a part is to give more than it has.
    """
    chosen, start = [], 0
    for k, count in enumerate(counts):
        counted(count)
        size = T // len(counts) + (k < T % len(counts))
        if count > size:
            raise InputError(f"{count} sampling steps of {size} levels: take at most {size}, or train with more")
        apart = (size - 1) / (count - 1) if count > 1 else 1.0
        chosen += [start + round(apart * i) for i in range(count)]  # (1), (2)
        start += size
    return chosen
