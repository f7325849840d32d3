"""A folder of images: PNG, JPEG, WebP and BMP of any size, grey or colour.

Its subfolders are classes, unless one of them is called `train`: then they are parts (`train`; `validation`, `valid`,
`val` or `dev`; `test`), each of which holds images or class folders. A single subfolder is no class. Files that are
not images and names that begin with a dot are passed over.
"""

from functools import partial
from pathlib import Path

from likeness.data.dataset import Dataset, Options
from likeness.data.encoded import Entry, pictures
from likeness.data.splits import TEST, TRAIN, VALIDATION
from likeness.errors import InputError

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}
PARTS = {"train": TRAIN, "test": TEST, **dict.fromkeys(("validation", "valid", "val", "dev"), VALIDATION)}


def folder(path: Path, options: Options) -> Dataset:
    """The images of a folder as a data set.

    Raises:
        InputError: there is no image; images lie beside class folders; a part has a class that training has not.
    """
    if options.label is not None:
        raise InputError(f"label {options.label!r}: the classes of a folder of images are its subfolders; leave it out")
    found = {part: _by_class(place) for part, place in _parts(path).items()}
    names = sorted(found[TRAIN])
    for part, classes in found.items():
        if strange := sorted(set(classes) - set(names)):
            raise InputError(
                f"the {part} part of {path} has a class {strange[0]!r} that its training part has not: add it"
            )
    entries = [
        Entry(str(file.relative_to(path)), partial(Path, file), part, names.index(name))
        for part, classes in found.items()
        for name, files in sorted(classes.items())
        for file in files
    ]
    return pictures(path.name, entries, tuple(names) if len(names) > 1 else (), options)


def images_in(path: Path) -> list[Path]:
    """Every image below a folder, in order of its path."""
    return sorted(f for f in path.rglob("*") if f.suffix.lower() in SUFFIXES and f.is_file() and not _hidden(f, path))


def _parts(path: Path) -> dict[str, Path]:
    inside = {p.name.lower(): p for p in path.iterdir() if p.is_dir() and not p.name.startswith(".")}
    if "train" not in inside:
        return {TRAIN: path}
    if strange := sorted(inside.keys() - PARTS.keys()):
        raise InputError(f"{inside[strange[0]]} lies beside a train folder: name parts {', '.join(PARTS)}, or move it")
    return {PARTS[name]: place for name, place in inside.items()}


def _by_class(path: Path) -> dict[str, list[Path]]:
    """The images of each class; the class "" where there are no class folders."""
    classes: dict[str, list[Path]] = {}
    for file in images_in(path):
        inner = file.relative_to(path).parts
        classes.setdefault(inner[0] if len(inner) > 1 else "", []).append(file)
    if not classes:
        raise InputError(f"no images in {path}: it needs files that end in {', '.join(sorted(SUFFIXES))}")
    if "" in classes and len(classes) > 1:
        other = next(name for name in classes if name)
        raise InputError(
            f"{path} has images ({classes[''][0].name}) beside class folders ({other}): move them into one"
        )
    return classes


def _hidden(file: Path, root: Path) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in file.relative_to(root).parts)
