"""Shapes in signatures are checked while the tests run, and one thread makes runs comparable."""

from jaxtyping import install_import_hook

# A float may be given as an int, as everywhere in Python.
hook = install_import_hook("likeness", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")

import pytest  # noqa: E402
import torch  # noqa: E402

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _subnormals() -> None:
    """A command run in this process flushes them from then on, and hypothesis will not draw floats without them."""
    torch.set_flush_denormal(False)
