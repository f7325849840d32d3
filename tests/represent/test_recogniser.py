"""CTC is the sum over all paths, reading undoes an alignment, what is frozen stays, and what cannot be read is said."""

import itertools
from itertools import repeat

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Adam

from likeness.core import train
from likeness.data.batch import Batch
from likeness.data.lines import PAD, UNKNOWN
from likeness.errors import InputError
from likeness.nn.frames import Bidirectional
from likeness.nn.line_encoder import LineEncoder
from likeness.represent.recogniser import Recogniser, ctc, greedy, needed
from likeness.testing import check_method


def merged(path: tuple[int, ...], blank: int) -> tuple[int, ...]:
    return tuple(key for key, _ in itertools.groupby(path) if key != blank)


TEXTS = [(0, 1), (1, 1), (0,), (), (1, 0, 1)]
Y = torch.tensor([[*t, *[PAD] * (3 - len(t))] for t in TEXTS])


def test_ctc_is_the_sum_over_all_paths() -> None:
    logits = torch.randn(5, 4, 3, dtype=torch.double)
    p = logits.softmax(2)
    found = ctc(logits.float(), Y)
    for i, text in enumerate(TEXTS):
        paths = (path for path in itertools.product(range(3), repeat=4) if merged(path, 2) == text)
        total = sum(float(torch.stack([p[i, t, s] for t, s in enumerate(path)]).prod()) for path in paths)
        assert float(found[i]) == pytest.approx(-torch.tensor(total).log().item(), abs=1e-5)


def made(paths: list[list[int]], signs: int = 4) -> Tensor:
    return 20.0 * nn.functional.one_hot(torch.tensor(paths), signs).float()


def test_a_made_alignment_is_read_and_costs_nothing() -> None:
    logits = made([[3, 0, 0, 3, 0, 1], [2, 2, 2, 2, 2, 2], [3, 3, 3, 3, 3, 3], [0, 1, 2, 1, 0, 3]])
    found = greedy(logits)
    assert found.tolist() == [[0, 0, 1, -1, -1, -1], [2, *[-1] * 5], [-1] * 6, [0, 1, 2, 1, 0, -1]]
    assert (ctc(logits, found) < 1e-4).all()
    assert (ctc(logits, found.roll(1, 0)) > 1).all()


def test_the_frames_a_text_needs() -> None:
    assert needed(Y).tolist() == [2, 3, 1, 0, 3]
    logits = torch.randn(5, 2, 3)
    with pytest.raises(InputError, match="text 1 of the batch has 2 characters and needs 3 frames, its image gives 2"):
        ctc(logits, Y)
    with pytest.raises(InputError, match="character 1, the decoder knows 0 to 0"):
        ctc(torch.randn(5, 4, 2), Y)


def test_frames_behind_the_end_of_a_line_count_for_nothing_but_where_a_text_needs_them() -> None:
    logits = torch.randn(5, 6, 3, requires_grad=True)
    found = ctc(logits, Y, torch.tensor([4, 4, 2, 1, 1]))
    each = [ctc(logits[i : i + 1, :t], Y[i : i + 1]) for i, t in enumerate([4, 4, 2, 1, 3])]
    torch.testing.assert_close(found, torch.cat(each))
    (gradient,) = torch.autograd.grad(found.sum(), logits)
    assert float(gradient[3, 1:].abs().max()) == float(gradient[4, 3:].abs().max()) == 0
    assert (gradient[0, :4] != 0).all()


def test_paper_behind_a_line_changes_no_cost() -> None:
    m, batch = built(), lines()
    wide = Batch(torch.cat((batch.x, torch.ones(7, 1, 8, 200)), 3), batch.y)
    m.f.eval()
    costs = [next(iter(m.updates(b)))[1]()["ctc"] for b in (batch, wide)]
    torch.testing.assert_close(costs[0], costs[1])
    assert (m.logits(wide.x).softmax(2)[:, 12:, -1] == 1).all(), "the blank is certain"


def test_unknown_characters_are_left_out_of_the_cost() -> None:
    logits = torch.randn(1, 5, 3)
    torch.testing.assert_close(ctc(logits, torch.tensor([[0, UNKNOWN, 1]])), ctc(logits, torch.tensor([[0, 1, PAD]])))


def lines(n: int = 7) -> Batch:
    """Black squares (0) and bars (1), three in a line."""
    x, y = torch.ones(n, 1, 8, 36), torch.randint(2, (n, 3), generator=torch.Generator().manual_seed(1))
    for row, text in zip(x, y.tolist(), strict=True):
        for k, sign in enumerate(text):
            row[0, 1 : 7 if sign == 0 else 3, 12 * k + 2 : 12 * k + 8] = -1
    return Batch(x, y)


def built(frozen: bool = False, contextual: bool = False) -> Recogniser:
    f = LineEncoder(height=8, width=8, d=12)
    return Recogniser(f, Bidirectional(12, 3, width=6) if contextual else nn.Linear(12, 3), frozen=frozen)


@pytest.mark.parametrize("contextual", [False, True])
@pytest.mark.parametrize("frozen", [False, True])
def test_contract(frozen: bool, contextual: bool) -> None:
    check_method(lambda: built(frozen, contextual), lines(), lambda m: Adam(m.parameters(), 1e-3))


def test_it_learns_to_read() -> None:
    m, batch = built(), lines(16)
    for _ in train(m, repeat(batch, 120), Adam(m.parameters(), 1e-2)):
        pass
    assert m.read(batch.x)[:, :3].tolist() == batch.y.tolist()
    assert (m.error(batch.x, batch.y) == 0).all()
    assert m.encode(batch.x).shape == (16, 12)
    wide = torch.cat((batch.x, torch.ones(16, 1, 8, 40)), 3)
    assert torch.equal(m.read(wide)[:, :3], m.read(batch.x)[:, :3]), "paper that fills up changes no reading"


def test_a_frozen_encoder_stays_as_it_is() -> None:
    m, batch = built(frozen=True), lines()
    before = {k: v.clone() for k, v in m.f.state_dict().items()}
    weights = m.D.weight.clone()
    for _ in train(m, repeat(batch, 3), Adam(m.parameters(), 1e-2)):
        pass
    assert all(torch.equal(v, before[k]) for k, v in m.f.state_dict().items()), "its running statistics too"
    assert not torch.equal(weights, m.D.weight)


def test_texts_are_needed() -> None:
    with pytest.raises(InputError, match="have none"):
        next(iter(built().updates(Batch(lines().x))))
    empty = Batch(lines().x, torch.full((7, 1), PAD))
    m = built()
    costs = [float(s.terms["ctc"]) for s in train(m, repeat(empty, 60), Adam(m.parameters(), 1e-2))]
    assert costs[-1] < 0.2 * costs[0], "an empty text is learned: blanks all along"
    assert (m.read(empty.x) == PAD).all()
