"""Which data sets are at hand for the cards, beside those that are built in."""

import os
from pathlib import Path


def shelf(name: str) -> Path | None:
    """Where the folder of that name lies in the one that LIKENESS_DATA names; None where there is none."""
    at = os.environ.get("LIKENESS_DATA")
    folder = Path(at).expanduser() / name if at else None
    return folder if folder is not None and folder.is_dir() else None


def there(name: str) -> bool:
    """Whether LIKENESS_DATA names a folder that holds this data set."""
    return shelf(name) is not None
