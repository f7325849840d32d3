"""The command of some settings gives these settings back."""

import shlex
from pathlib import Path

from likeness.app.train import parse
from likeness.recipes.gan import Settings
from likeness.sweep.command import command, option


def test_the_command_gives_the_settings_back() -> None:
    settings = Settings(data="my data.npy", lr_g=0.1 + 0.2, spectral=True, minibatch_std=False, loss="hinge", steps=7)
    words = shlex.split(command("gan", settings))
    assert words[:3] == ["likeness", "train", "gan"]
    assert parse(words[2:]).settings == settings


def test_what_is_as_it_is_is_not_said_nor_where_it_went() -> None:
    assert command("gan", Settings(data="digits", out=Path("x"), report=False)) == "likeness train gan --data digits"


def test_options() -> None:
    assert option("lr_g", 1e-4) == ["--lr-g", "0.0001"]
    assert option("spectral", False) == ["--no-spectral"]
