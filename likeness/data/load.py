"""The one way in: `load(name)` finds data by name or path and reads them."""

from likeness.data.dataset import Dataset, Options
from likeness.data.embedded import EMBEDDED, embedded
from likeness.errors import unknown


def load(
    name: str,
    *,
    size: int | None = None,
    channels: int | None = None,
    seed: int = 0,
    label: str | None = None,
    skip_broken: bool = False,
    stream: bool = False,
    limit: int | None = None,
) -> Dataset:
    options = Options(size, channels, seed, label, skip_broken, stream, limit)
    if name in EMBEDDED:
        return embedded(name, options)
    raise unknown("data set", name, EMBEDDED)
