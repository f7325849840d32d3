"""What a person did that cannot work, said in one line: the thing, its value, the remedy."""

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """Bad input from a person. The command line prints the message alone and exits with 2."""


class DivergedError(ArithmeticError):
    """Training or sampling left the finite numbers; what was saved before still stands."""


class PeersLostError(RuntimeError):
    """Another process of the same work is gone, so this one cannot go on either."""


def unknown(kind: str, name: object, known: Iterable[str]) -> InputError:
    """The error for a name that is not one of `known`: it lists the nearest ones first.

    Args:
        kind: what the name stands for, in words ("data set", "metric").
        name: the name that was given.
        known: every name that would have been accepted.
    """
    names = sorted(known)
    near = get_close_matches(str(name), names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return InputError(f"unknown {kind} {name!r}: {hint}known: {', '.join(names)}")
