"""A VAE whose bound, codes and evidence are known, and a small run, that the tests of this room share."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from linear_gaussian import at_optimum, data
from torch import Tensor

from likeness.data import load
from likeness.density.vae import VAE
from likeness.recipes.pipeline import begin, reopen, training
from likeness.recipes.spaces import space_for
from likeness.recipes.vae import Settings


@pytest.fixture(scope="session")
def known() -> tuple[VAE, Tensor]:
    """At its optimum, with samples that it fits."""
    torch.manual_seed(0)
    x = data(800)
    return at_optimum(x, 2, 0.5).eval(), x


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VAE of a few steps on digits, with a σ at which everything collapses."""
    folder = tmp_path_factory.mktemp("runs") / "vae"
    digits = load("digits")
    settings = Settings(data="digits", out=folder, device="cpu", sigma=4.0, width=8, d_z=4, features="pca")
    session = begin("vae", replace(settings, steps=60, batch_size=32, judge_every=30, warmup=0), digits)
    for _ in training(session, digits, space_for("pca", digits, 0, "cpu")):
        pass
    return folder


@pytest.fixture(scope="session")
def session(run: Path):
    return reopen(run)
