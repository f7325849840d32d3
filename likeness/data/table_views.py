"""Views of the rows of a table: some columns take the values that other rows have there.

    x̃_j = x_j, or for q = ⌊c M⌋ of the M columns the value of a row drawn from the data, for each column another   (1)

A column is a block of entries where it is a category, or a number that may be missing (`Columns`): it is replaced as
one, so that every block stays one that the table can have.

Dara Bahri, Heinrich Jiang, Yi Tay, Donald Metzler. SCARF: Self-Supervised Contrastive Learning using Random Feature
Corruption. 2021. https://arxiv.org/abs/2106.15147
"""

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.data.columns import Columns
from likeness.data.view_parts import Source, View, check_p
from likeness.errors import InputError
from likeness.sampling import Streams


def scarf(rows: Float[Tensor, "m d"], columns: Columns | None = None, *, share: float = 0.6) -> View:
    """A view of vectors (n, d), with a share c of their columns replaced.

    Args:
        rows: where values come from, such as the training rows.
        columns: which entries are one column; without it, each is.
        share: of the columns.

    Raises:
        InputError: the share is outside [0, 1], there are no rows, or the columns have another width than they.
    """
    check_p(share)
    m, d = rows.shape
    widths = [1] * d if columns is None else [column.width for column in columns.columns]
    if m < 1 or sum(widths) != d:
        raise InputError(f"rows {m}×{d} for columns of {sum(widths)} entries: give one row or more of this table")
    many, block = int(share * len(widths)), torch.repeat_interleave(torch.tensor(widths))

    def view(x: Tensor, *, generator: int | Streams | None = None) -> Tensor:
        source, own = Source(x, generator), block.to(x.device)
        if x.shape[1:] != (d,):
            raise InputError(f"vectors {tuple(x.shape)}: the rows that values come from have {d} entries; encode alike")
        hit = source.uniform(len(widths)).argsort(1).argsort(1) < many
        donor = (source.uniform(len(widths)) * m).long().clamp(max=m - 1)
        others = rows.to(x)[donor[:, own], torch.arange(d, device=x.device)]
        return torch.where(hit[:, own], others, x)  # (1)

    return view
