"""Card: lines of text without transcriptions, which make a reader out of few that have them.

Aviad Aberdam, Ron Litman, Shahar Tsiper, Oron Anschel, Ron Slossberg, Shai Mazor, R. Manmatha, Pietro Perona.
Sequence-to-Sequence Contrastive Learning for Text Recognition. 2021. https://arxiv.org/abs/2012.10873
"""

from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

from likeness.papers._seqclr import MAPPINGS, compared, words
from likeness.papers._seqclr_handwriting import handwriting, has_handwriting
from likeness.papers.card import Card, Claim, Numbers, Scale


class Budget(NamedTuple):
    """Words without and with texts and to test, passes over the first, steps of a frozen and of a tuned reader.

    `hand` are the handwritten words without texts, 0 to leave them out; `labels` those with.
    """

    unlabelled: int
    labelled: int
    test: int
    epochs: int
    frozen_steps: int
    few: int
    few_steps: int
    hand: int = 0
    hand_epochs: int = 0
    labels: tuple[int, ...] = ()
    hand_steps: int = 0


FEW = (500, 2000)
BUDGETS: dict[Scale, Budget] = {
    "quick": Budget(128, 64, 64, 1, 20, 32, 10),
    "laptop": Budget(6000, 1000, 1000, 5, 1000, 100, 600, 2000, 3, FEW, 1500),
    "gpu": Budget(60_000, 1000, 5000, 20, 3000, 100, 1000, 5000, 40, FEW, 4000),
}


def measure(seed: int, scale: Scale) -> Numbers:
    b = BUDGETS[scale]
    data = words(b.unlabelled, b.labelled, b.test, seed)
    steps = {"epochs": b.epochs, "frozen_steps": b.frozen_steps, "few": b.few, "few_steps": b.few_steps}
    found = compared(data, MAPPINGS, **steps, seed=seed)
    if b.hand and has_handwriting():
        found |= handwriting(b.hand, b.hand_epochs, b.labels, b.hand_steps, seed)
    return found


# ------------------------------------------------------------------------------------- what is claimed


def frozen_reads(seeds: Sequence[Numbers]) -> bool:
    taught, new = (fmean(n[f"{name}.frozen.words"] for n in seeds) for name in ("window", "none"))
    return taught >= 35 and new <= 5


def gains(over: str, seeds: Sequence[Numbers]) -> bool:
    """Three points and more, in the mean over the seeds."""
    return fmean(n["window.tuned.words"] - n[f"{over}.tuned.words"] for n in seeds) >= 3


FROZEN, TUNED = "frozen encoder, 1000 texts", "tuned on 100 texts"
SPANS = {"all": "whole words", "window": "windows of them", "frame": "frames"}


def _rows() -> list[Claim]:
    rows = [Claim(f"{FROZEN}: words read, %; nothing learned before", "none.frozen.words")]
    for name, what in SPANS.items():
        holds = frozen_reads if name == "window" else None
        said = f"{FROZEN}: words read, %; {what} compared"
        rows.append(Claim(said, f"{name}.frozen.words", None, "none.frozen.words", holds))
    rows.append(Claim(f"{FROZEN}: wrong characters, %; windows", "window.frozen.cer", None, "none.frozen.cer"))
    for name, what in SPANS.items():
        holds = (lambda seeds: gains("none", seeds)) if name == "window" else None
        said = f"{TUNED}: words read, %; {what}, beside nothing before"
        rows.append(Claim(said, f"{name}.tuned.words", None, "none.tuned.words", holds))
    said = f"{TUNED}: words read, %; windows, beside whole words"
    rows.append(Claim(said, "window.tuned.words", "more", "all.tuned.words", lambda seeds: gains("all", seeds)))
    rows.append(Claim(f"{TUNED}: wrong characters, %; windows", "window.tuned.cer", None, "none.tuned.cer"))
    return rows


def _handwriting_rows() -> list[Claim]:
    told = [(n, f"handwriting, tuned on {n} texts") for n in FEW]
    return [
        row
        for n, what in told
        for row in (
            Claim(f"{what}: wrong characters, %; windows", f"hand{n}.taught.cer", None, f"hand{n}.new.cer"),
            Claim(f"{what}: words read, %; windows", f"hand{n}.taught.words", None, f"hand{n}.new.words"),
        )
    ]


CARD = Card(
    "seqclr",
    "SeqCLR: Sequence-to-Sequence Contrastive Learning for Text Recognition",
    "https://arxiv.org/abs/2012.10873",
    "Words of four digits of MNIST (of 8×8 pixels where it is not at hand), at places of their own on 16×64 pixels. "
    "An encoder learns from 6000 of them without texts, by comparing whole words, five windows of each, or frames. "
    "Then a linear decoder reads: on the frozen encoder, from 1000 texts, or with the encoder tuned on 100. All three "
    "ways gain 11 to 15 points of words; windows gain 1 over whole words in the mean, −5 to +5 by the seed, and not "
    "3: digits of one width leave whole words as much as windows. Below are words in many hands, up to 128 pixels "
    "wide, of which 500 or 2000 have texts; test words are of other writers. There what was learned before changes "
    "nothing that can be told from chance.",
    measure,
    (*_rows(), *(_handwriting_rows() if has_handwriting() else ())),
)
