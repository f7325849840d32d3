"""What lies near what among vectors with names: neighbours by cosine, and analogies.

    a is to b as c is to   argmax_{w ∉ {a, b, c}} cos(w, b − a + c)                                (1)

of vectors of length one (3CosAdd). The three words of the question are left out, else c or b is mostly the answer.

Tomas Mikolov, Wen-tau Yih, Geoffrey Zweig. Linguistic Regularities in Continuous Space Word Representations. 2013.
https://aclanthology.org/N13-1090
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import normalize

from likeness.data.words import strange
from likeness.errors import InputError

Found = list[tuple[str, float]]  # names and cosines, the nearest first


class Vectors:
    """Vectors (v, d), each with a name.

    Raises:
        InputError: there are not as many vectors as names, two names are one, or a vector is not finite.
    """

    def __init__(self, names: Sequence[str], table: Float[Tensor, "v d"]) -> None:
        if len(names) != len(table):
            raise InputError(f"{len(names)} names for {len(table)} vectors: give each vector one")
        if not table.isfinite().all():
            raise InputError("a vector holds a number that is not finite: train with a lower rate")
        self.names, self.table = tuple(names), table
        self.place = {name: i for i, name in enumerate(self.names)}
        if len(self.place) < len(self.names):
            raise InputError(f"{len(self.names)} names, of which some stand twice: give each vector its own")
        self.directions = normalize(table.float(), dim=1)

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: str) -> bool:
        return name in self.place

    def __getitem__(self, name: str) -> Float[Tensor, " d"]:
        return self.table[self.id(name)]

    def id(self, name: str) -> int:
        """Raises InputError, with the names most like it, where there is no such name."""
        if name not in self.place:
            raise strange(name, self.names)
        return self.place[name]

    def neighbours(self, name: str, n: int = 10) -> Found:
        """The n others nearest to it."""
        i = self.id(name)
        return self._named(self.directions[i], [i], n)

    def near(self, vector: Float[Tensor, " d"], n: int = 10) -> Found:
        """The n nearest to a vector that need not be of the table."""
        return self._named(normalize(vector.float(), dim=0), [], n)

    def analogy(self, a: str, b: str, c: str, n: int = 1) -> Found:
        """What is to c as b is to a: of man, king and woman, queen."""
        ids = [self.id(name) for name in (a, b, c)]
        return self._named(_wanted(self.directions, torch.tensor([ids]))[0], ids, n)

    def _named(self, direction: Tensor, without: list[int], n: int) -> Found:
        if n < 1:
            raise InputError(f"{n} neighbours: ask for one or more")
        cosines = self.directions @ direction
        cosines[without] = -torch.inf
        best = cosines.topk(min(n, len(self) - len(without)))
        return [(self.names[i], float(v)) for v, i in zip(best.values, best.indices.tolist())]


def answers(table: Float[Tensor, "v d"], questions: Int[Tensor, "q 3"]) -> Int[Tensor, " q"]:
    """The answer to each question a, b, c; the three are left out."""
    directions = normalize(table.float(), dim=1)
    cosines = _wanted(directions, questions) @ directions.T
    return cosines.scatter(1, questions, -torch.inf).argmax(1)  # (1)


def right(table: Float[Tensor, "v d"], questions: Int[Tensor, "q 4"]) -> int:
    """How many questions a, b, c are answered by the fourth."""
    return int((answers(table, questions[:, :3]) == questions[:, 3]).sum())


def nearest(table: Float[Tensor, "v d"], n: int, rows: Int[Tensor, " m"] | None = None) -> Int[Tensor, "m n"]:
    """The n others nearest by cosine to each row, or to those named; among all rows.

    Raises:
        InputError: there are not so many others.
    """
    if not 1 <= n < len(table):
        raise InputError(f"{n} neighbours among {len(table)} vectors: ask for 1 to {len(table) - 1}")
    directions = normalize(table.float(), dim=1)
    asked = torch.arange(len(table)) if rows is None else rows
    found = []
    for part in asked.split(1024):
        cosines = directions[part] @ directions.T
        found.append(cosines.scatter(1, part[:, None], -torch.inf).topk(n).indices)
    return torch.cat(found)


def purity(
    table: Float[Tensor, "v d"], labels: Int[Tensor, " v"], n: int = 10, rows: Int[Tensor, " m"] | None = None
) -> float:
    """The share of the n nearest others that have the label of the row they are near to, over those rows."""
    asked = torch.arange(len(table)) if rows is None else rows
    return float((labels[nearest(table, n, asked)] == labels[asked, None]).float().mean())


def _wanted(directions: Tensor, questions: Tensor) -> Tensor:
    a, b, c = directions[questions].unbind(1)
    return b - a + c
