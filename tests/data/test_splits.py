from itertools import chain

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.data.memory import InMemory
from likeness.data.splits import divide
from likeness.errors import InputError


def part(values: list[int]) -> InMemory:
    return InMemory(torch.tensor(values)[:, None].float())


def values(split: InMemory) -> list[int]:
    return split.x[split.rows][:, 0].int().tolist()


@settings(deadline=None)
@given(st.lists(st.integers(0, 30), min_size=4, max_size=80).filter(lambda v: len(set(v)) > 4), st.integers(0, 5))
def test_copies_stay_on_one_side_and_nothing_is_lost(rows: list[int], seed: int) -> None:
    parts, _ = divide({"train": part(rows)}, seed=seed)
    found = {name: values(split) for name, split in parts.items()}
    assert sorted(chain(*found.values())) == sorted(rows)
    sets = [set(v) for v in found.values()]
    assert sum(map(len, sets)) == len(set(rows))
    assert all(sets)


def test_the_shares_are_a_fifth_and_a_tenth_of_the_rest() -> None:
    parts, notes = divide({"train": part(list(range(1000)))})
    assert {name: len(split) for name, split in parts.items()} == {"train": 720, "validation": 80, "test": 200}
    assert notes == ()


def test_the_split_depends_on_the_seed_and_not_on_the_order_of_the_rows() -> None:
    def held_out(rows: list[int], seed: int) -> set[int]:
        return set(values(divide({"train": part(rows)}, seed=seed)[0]["test"]))

    rows = list(range(200))
    assert held_out(rows, 1) == held_out(rows[::-1], 1) != held_out(rows, 2)


def test_the_official_test_part_is_whole_and_its_copies_leave_training() -> None:
    given_parts = {"train": part([*range(50), 3, 3]), "validation": part([60, 61, 70]), "test": part([3, 70, 71, 71])}
    parts, notes = divide(given_parts)
    assert sorted(values(parts["test"])) == [3, 70, 71, 71]
    assert sorted(values(parts["validation"])) == [60, 61]
    assert sorted(values(parts["train"])) == [v for v in range(50) if v != 3]
    assert {n.code for n in notes} == {"copies-across-splits"}
    assert [n.saw.split()[0] for n in notes] == ["1", "3"]


def test_any_prefix_is_a_fair_sample_of_sorted_data() -> None:
    train = divide({"train": part(list(range(5000)))})[0]["train"]
    assert np.mean(values(train)[:300]) == pytest.approx(2500, abs=5 * 1443 / 300**0.5)


def test_limit_keeps_so_many_of_the_training_rows_and_leaves_the_rest_alone() -> None:
    full, few = (divide({"train": part(list(range(100)))}, limit=limit)[0] for limit in (None, 7))
    assert values(few["train"]) == values(full["train"])[:7]
    assert values(few["test"]) == values(full["test"])


@pytest.mark.parametrize("rows", [[1], [1, 1, 1], [1, 2], [1, 2, 2]])
def test_too_few_distinct_rows_are_refused(rows: list[int]) -> None:
    with pytest.raises(InputError, match="distinct"):
        divide({"train": part(rows)})


def test_training_rows_that_all_stand_in_the_test_part_are_refused() -> None:
    with pytest.raises(InputError, match="distinct"):
        divide({"train": part([1, 2]), "test": part([1, 2, 3])})


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(InputError, match="limit 0"):
        divide({"train": part([1, 2, 3, 4])}, limit=0)
