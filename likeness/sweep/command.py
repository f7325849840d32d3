"""Settings as the command line that trains with them."""

import shlex
from dataclasses import MISSING, fields
from typing import Any

from likeness.recipes.common import Common

LEFT_OUT = {"out", "report"}


def command(recipe: str, settings: Common) -> str:
    """`likeness train` with every setting that is not as it is without being given; floats are exact."""
    words = ["likeness", "train", recipe]
    for f in fields(settings):
        value = getattr(settings, f.name)
        unlike = f.default is MISSING or value != f.default
        if f.name not in LEFT_OUT and unlike and value is not None:
            words += option(f.name, value)
    return shlex.join(words)


def option(name: str, value: Any) -> list[str]:
    """The words that give a setting its value."""
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{flag}" if value else f"--no-{flag}"]
    return [f"--{flag}", str(value)]
