"""Neighbours and analogies on vectors whose answers are known, what is left out, and agreement with a slow form."""

import pytest
import torch

from likeness.embed.nearest import Vectors, answers, nearest, purity, right
from likeness.errors import InputError

NAMES = ("man", "woman", "king", "queen", "apple")
TABLE = torch.tensor([[1.0, 0, 0.1], [0, 1.0, 0.1], [1.0, 0, 2.0], [0, 1.0, 2.0], [-1.0, -1.0, 0]])
KNOWN = Vectors(NAMES, TABLE)


def test_man_is_to_king_as_woman_is_to_queen() -> None:
    assert KNOWN.analogy("man", "king", "woman")[0][0] == "queen"
    assert KNOWN.analogy("king", "man", "queen")[0][0] == "woman"


def test_the_words_of_the_question_are_left_out() -> None:
    assert {name for name, _ in KNOWN.analogy("man", "king", "woman", n=5)} == {"queen", "apple"}
    wanted = KNOWN.directions[2] - KNOWN.directions[0] + KNOWN.directions[0]  # what is to man as king is to man
    assert KNOWN.near(wanted, 1)[0][0] == "king", "without leaving out, a word of the question would be the answer"
    assert KNOWN.analogy("man", "king", "man")[0][0] not in ("man", "king")


def test_many_questions_at_once_are_answered_alike() -> None:
    torch.manual_seed(0)
    table = torch.randn(30, 6)
    many = Vectors([str(i) for i in range(30)], table)
    asked = torch.stack([torch.randperm(30)[:3] for _ in range(20)])
    one = [int(many.analogy(*map(str, q.tolist()))[0][0]) for q in asked]
    assert answers(table, asked).tolist() == one
    assert right(table, torch.cat((asked, torch.tensor(one)[:, None]), 1)) == 20


def test_neighbours_are_by_cosine_and_not_oneself() -> None:
    found = KNOWN.neighbours("king", 2)
    assert [name for name, _ in found] == ["queen", "man"]
    a, b = TABLE[2], TABLE[3]
    assert found[0][1] == pytest.approx(float(a @ b / a.norm() / b.norm()), abs=1e-6)
    scaled = Vectors(NAMES, TABLE * torch.tensor([1.0, 9, 3, 0.1, 5])[:, None])
    assert scaled.neighbours("king", 2)[0][0] == "queen"
    assert nearest(TABLE, 2)[2].tolist() == [3, 0]


def test_purity_is_one_where_labels_are_places_and_a_chance_where_they_are_not() -> None:
    torch.manual_seed(0)
    labels = torch.arange(4).repeat_interleave(25)
    table = torch.eye(4)[labels] + 0.1 * torch.randn(100, 4)
    assert purity(table, labels, 5) == 1.0
    assert purity(torch.randn(100, 40), labels, 5) == pytest.approx(0.24, abs=0.08)
    assert purity(table, labels, 5, rows=torch.tensor([3, 60])) == 1.0


def test_what_is_not_there_is_told() -> None:
    with pytest.raises(InputError, match="unknown word 'quen': did you mean queen"):
        KNOWN["quen"]
    with pytest.raises(InputError, match="2 names for 3 vectors"):
        Vectors(["a", "b"], torch.ones(3, 2))
    with pytest.raises(InputError, match="stand twice"):
        Vectors(["a", "a"], torch.ones(2, 2))
    with pytest.raises(InputError, match="not finite"):
        Vectors(["a", "b"], torch.tensor([[1.0], [torch.nan]]))
    with pytest.raises(InputError, match="ask for 1 to 4"):
        nearest(TABLE, 5)
    with pytest.raises(InputError, match="one or more"):
        KNOWN.neighbours("king", 0)
    assert "king" in KNOWN
    assert "prince" not in KNOWN
