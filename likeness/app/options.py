"""Options as a person reads them: what need not be given shows the kind of its value, not a programmer's None."""

import inspect
import types
from dataclasses import is_dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import tyro


def parsed(options: type, words: list[str], prog: str, description: str | None = None, known: Any = None) -> Any:
    """The options of a verb from its words; help and mistakes end the program, as argparse does it (0 and 2).

    `known` holds the values of what the words leave out.
    """
    _readable(options)
    given = {} if known is None else {"default": known}
    return tyro.cli(options, prog=prog, description=description, args=words, **given)


def _readable(options: type) -> None:
    """Give every option that may be None a plain name for its value, and no default to show; parts of parts too."""
    for owner in options.__mro__[:-1]:
        own, hints = inspect.get_annotations(owner), get_type_hints(owner, include_extras=True)
        for name in own:
            kind, *given = get_args(hints[name]) if get_origin(hints[name]) is Annotated else (hints[name],)
            if isinstance(kind, type) and is_dataclass(kind):
                _readable(kind)
            elif get_origin(kind) in (Union, types.UnionType) and type(None) in get_args(kind):
                shown = _shown(next(a for a in get_args(kind) if a is not type(None)))
                own[name] = Annotated[(kind, *given, tyro.conf.arg(metavar=shown, help_behavior_hint=""))]
        owner.__annotations__ = own


def _shown(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "{" + ",".join(map(str, get_args(kind))) + "}"
    return {"str": "TEXT", "int": "INT", "float": "FLOAT"}.get(kind.__name__, kind.__name__.upper())
