"""Shapes in signatures are checked while the tests run, and one thread makes runs comparable."""

from jaxtyping import install_import_hook

hook = install_import_hook("likeness", "beartype.beartype")

import pytest  # noqa: E402
import torch  # noqa: E402

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)
