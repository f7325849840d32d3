"""The law of the house: which way imports go, how large a file may be, that each has a test and its equations."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "likeness"
FILES = sorted(p for p in PACKAGE.rglob("*.py") if p.name != "__init__.py")

# A room may import the rooms left of it. Rooms in one group do not import each other.
ORDER: list[set[str]] = [
    {"errors"},
    {"ranks"},
    {"spread", "gradients", "subnormals", "allocation"},
    {"findings", "sampling", "files"},
    {"core", "data", "nn", "lockstep", "costs"},
    {"chains", "optim", "transport"},
    {"annealing", "bits"},
    {"testing"},
    {"gan", "density", "energy", "language", "refine", "judge", "represent", "embed"},
    {"diffusion"},
    {"run"},
    {"recipes"},
    {"sweep", "doctor"},
    {"papers"},
    {"app"},
    {"__main__"},
]
# Files of a topic that carry its shared vocabulary; the others are methods and import no other method.
VOCABULARY = {
    "gan": {"losses", "penalties", "game", "identities"},
    "density": {
        "classes",
        "conditionals",
        "dequantisation",
        "exemplars",
        "latents",
        "likelihoods",
        "logistics",
        "mixed",
        "retrieval",
    },
    "energy": {
        "alarms",
        "conservative",
        "denoising",
        "energies",
        "lattice",
        "partition",
        "reference",
        "replay",
        "restoration",
        "score_matching",
        "sliced",
        "spectral",
        "strips",
        "tweedie",
        "walks",
    },
    "diffusion": {
        "denoisers",
        "schedules",
        "sampler",
        "oracle",
        "weights",
        "bound",
        "importance",
        "transitions",
        "steering",
        "measurements",
        "guidance_interval",
        "border",
        "border_unet2d",
    },
    "represent": {
        "codes",
        "contrast",
        "features",
        "invariance",
        "labels",
        "measures",
        "nearest",
        "pairs",
        "penalties",
        "probes",
        "queue",
        "sphere",
        "transcripts",
    },
    "language": {"generate", "repetition", "ngrams"},
    "embed": {"windows", "negatives", "fitting", "rows", "nearest", "subwords", "counts"},
}


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> list[str]:
    """Every module of the package that a file imports, at whatever depth of the code."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "likeness":
            found += [node.module] if node.module != "likeness" else [f"likeness.{a.name}" for a in node.names]
        elif isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.split(".")[0] == "likeness"]
    return found


def level(name: str) -> int:
    return next(i for i, rooms in enumerate(ORDER) if name in rooms)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    mine = room(path)
    for module in imports(path):
        parts = module.split(".")
        if len(parts) < 2 or parts[1] == "__version__":
            continue
        theirs = parts[1]
        assert theirs == mine or level(theirs) < level(mine), f"{mine} imports {module}: imports go one way"
        if theirs == mine in VOCABULARY and len(parts) > 2:
            ok = parts[2] in VOCABULARY[mine]
            assert ok, f"{path.name} imports the method file {module}: move what both need to the vocabulary"


def test_foreign_vision_is_never_imported() -> None:
    for path in FILES:
        assert not re.search(r"^\s*(import|from) torchvision", path.read_text(), re.M), f"{path} imports torchvision"


def code_lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_the_core_stays_small() -> None:
    tree = ast.parse((PACKAGE / "core.py").read_text())
    docs = sum(
        (ast.get_docstring(n) or "").count("\n") + 1
        for n in ast.walk(tree)
        if isinstance(n, ast.FunctionDef | ast.ClassDef | ast.Module)
    )
    assert code_lines(PACKAGE / "core.py") - docs <= 150


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_file_is_one_thing(path: Path) -> None:
    assert code_lines(path) <= 300, "more than 300 lines: split it"
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            lines = node.end_lineno - node.body[0].lineno + 1  # type: ignore[operator]
            lines -= (ast.get_docstring(node) or "").count("\n")
            assert lines <= 45, f"{node.name} is {lines} lines long: split it"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_every_file_has_a_docstring_and_a_test(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), f"{path} has no docstring"
    parent = path.parent.relative_to(PACKAGE)
    assert (ROOT / "tests" / parent / f"test_{path.stem}.py").exists(), f"{path} has no test of its name"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_numbered_equations_are_tagged_lines(path: Path) -> None:
    text = path.read_text()
    doc = ast.get_docstring(ast.parse(text), clean=False) or ""
    said = set(re.findall(r"^\s*\((\d+[a-z]?)\)\s", doc, re.M)) | set(re.findall(r"\s\((\d+[a-z]?)\)$", doc, re.M))
    tagged = {
        n
        for tag in re.findall(r"#((?: ?,? ?\(\d+[a-z]?\))+)", text.replace(doc, ""))
        for n in re.findall(r"\d+[a-z]?", tag)
    }
    assert said <= tagged, f"equations {sorted(said - tagged)} of {path.name} have no tagged line"
    if said:
        assert "http" in doc, f"{path.name} numbers equations and names no source"
