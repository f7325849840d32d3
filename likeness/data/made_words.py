"""Sentences whose meaning is known: six roles in two genders, told by the words that stand beside them.

A sentence holds one of twelve words (king, queen …), two words of its role, two of its gender and two fillers, in any
order. With `noise`, a word of role or gender is of any role or gender instead, with that probability: then no pair of
words never stands together, which counts of co-occurrence need, as they know nothing of what never happened.
"""

import numpy as np

from likeness.errors import InputError

PAIRS = (
    ("king", "queen"),
    ("man", "woman"),
    ("uncle", "aunt"),
    ("actor", "actress"),
    ("brother", "sister"),
    ("waiter", "waitress"),
)
ROLES = (
    ("crown", "throne", "palace"),
    ("street", "work", "house"),
    ("cousin", "visit", "gift"),
    ("stage", "film", "applause"),
    ("sibling", "childhood", "toys"),
    ("table", "menu", "dinner"),
)
GENDERS = (("he", "him", "his", "beard"), ("she", "her", "hers", "dress"))
FILLERS = ("the", "a", "of", "and", "to", "in", "it", "was", "on", "with", "for", "at", "by", "from")


def sentences(n: int, *, noise: float = 0.0, seed: int = 0) -> list[list[str]]:
    """So many sentences, as lists of words.

    Raises:
        InputError: there are none, or the noise is no probability.
    """
    if n < 1 or not 0 <= noise <= 1:
        raise InputError(f"{n} sentences with noise {noise:g}: give one or more, and a probability")
    rng = np.random.default_rng(seed)
    role, gender = rng.integers(len(ROLES), size=n), rng.integers(2, size=n)
    parts = [np.array(PAIRS)[role, gender][:, None]]
    for kinds, kind in ((ROLES, role), (GENDERS, gender)):
        kind = np.where(rng.random((n, 2)) < noise, rng.integers(len(kinds), size=(n, 2)), kind[:, None])
        parts.append(np.array(kinds)[kind, rng.integers(len(kinds[0]), size=(n, 2))])
    parts.append(np.array(FILLERS)[rng.integers(len(FILLERS), size=(n, 2))])
    return rng.permuted(np.concatenate(parts, 1), axis=1).tolist()


def questions() -> list[tuple[str, str, str, str]]:
    """All 60 of the kind man : king = woman : queen, in both directions."""
    found = []
    for i, (a, b) in enumerate(PAIRS):
        for j, (c, d) in enumerate(PAIRS):
            if i != j:
                found += [(a, b, c, d), (b, a, d, c)]
    return found
