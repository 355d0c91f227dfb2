"""The import rule: rooms import down the table, torch stays in two rooms, prediction never reaches it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

import cephsure

PACKAGE = Path(cephsure.__file__).parent

# What a room may import, besides itself, the foundation and whatever the rooms named here may
# import themselves.
# Modules beside the rooms (model.py, ...) stand in the table as rooms of one file.
FOUNDATION = {"errors", "atomic", "file_names", "text_files"}
MAY_IMPORT: dict[str, set[str]] = {
    "__main__": {"cli"},
    "errors": {"file_names"},
    "atomic": {"errors"},
    "text_files": {"errors"},
    "file_names": set(),
    "landmarks": set(),
    "geometry": set(),
    "films": {"geometry"},
    "preprocessing": {"films", "geometry"},
    "projects": {"landmarks"},
    "datasets": {"films", "landmarks", "projects"},
    "bundles": {"landmarks"},
    "inference": {"films", "preprocessing", "bundles"},
    "training": {"preprocessing", "datasets", "bundles"},
    "recipes": {"inference", "training"},
    "uncertainty": {"inference", "bundles"},
    "evaluation": {"uncertainty", "datasets"},
    "cephalometry": {"landmarks", "uncertainty"},
    "exports": {"uncertainty", "landmarks"},
    "dicom": {"cephalometry", "films", "datasets"},
    "reports": {"uncertainty", "cephalometry"},
    "sample_films": {"films"},
    "model": {"recipes", "inference", "uncertainty"},
    "workflows": {
        "model",
        "evaluation",
        "training",
        "cephalometry",
        "exports",
        "dicom",
        "reports",
        "sample_films",
    },
    "review": {"workflows", "projects"},
    "service": {"workflows", "review", "projects", "dicom"},
    "pacs": {"workflows", "review", "projects", "dicom"},
    "cli": {"workflows", "review", "service", "projects", "pacs"},
    "studies": {"workflows"},
}
# The one way from the core to the studies: inside its functions, so that they load only when asked for.
STUDIES_DOOR = "cephsure.workflows.study"
# How a prediction shows itself in a notebook: pictures are drawn far above it, so it asks the package itself,
# inside the one method that a notebook calls. Nothing else of the rooms below may do so.
NOTEBOOK_DOOR = ("cephsure.uncertainty.prediction", "_repr_html_", "cephsure.prediction_html")
TORCH_ROOMS = {"recipes", "training"}
# What prediction computes with on a GPU that only torch can use; nothing else of it reaches torch.
TORCH_MODULE = "cephsure.inference.torch_graph"
TORCH_PACKAGES = {"torch", "torchvision", "onnx", "onnxscript", "safetensors"}
# The package itself hands out load_model from above model.py and the version from below everything.
ROOT = "cephsure"


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module or name, written out in full."""

    target: str
    line: int
    for_types_only: bool
    within: str | None = None
    """The innermost function that it is in."""


@cache
def read_imports(source: str, *, module: str, is_package: bool) -> list[Import]:
    """All imports of a source file, also those inside functions; ``from a import b`` gives ``a.b``."""
    tree = ast.parse(source)
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test).endswith("TYPE_CHECKING")
        for statement in block.body
        for node in ast.walk(statement)
    }
    within: dict[int, str] = {}
    for function in ast.walk(tree):  # outer functions before inner ones
        if isinstance(function, ast.FunctionDef):
            within |= {id(node): function.name for node in ast.walk(function)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, module=module, is_package=is_package)
            targets = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        found += [
            Import(target, node.lineno, id(node) in typing_only, within.get(id(node))) for target in targets
        ]
    return found


def _absolute(node: ast.ImportFrom, *, module: str, is_package: bool) -> str:
    if node.level == 0:
        return node.module or ""
    above = node.level - 1 if is_package else node.level
    base = module.split(".")[: len(module.split(".")) - above]
    return ".".join([*base, *([node.module] if node.module else [])])


def allowed_rooms(room: str) -> set[str]:
    """The room itself, the foundation, what the table grants it, and what those rooms are granted."""
    allowed, waiting = {room}, [room]
    if room not in FOUNDATION:
        allowed |= FOUNDATION
    while waiting:
        for granted in MAY_IMPORT[waiting.pop()] - allowed:
            allowed.add(granted)
            waiting.append(granted)
    return allowed


def room_of(module: str) -> str:
    """``cephsure.films.raster`` is in ``films``; the package itself is ``cephsure``."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ROOT


def violations(source: str, *, module: str, is_package: bool = False) -> list[str]:
    """What one source file does against the rule, a line each."""
    room, problems = room_of(module), []
    if module.rsplit(".", 1)[-1] in {"utils", "util"}:
        problems.append(f"{module}: a file is named after what it is about, not utils")
    if room != ROOT and room not in MAY_IMPORT:
        return [*problems, f"{module}: room {room!r} is not in the table of this test"]
    for found in read_imports(source, module=module, is_package=is_package):
        package = found.target.split(".")[0]
        if package in TORCH_PACKAGES and room not in TORCH_ROOMS and module != TORCH_MODULE:
            problems.append(f"{module}:{found.line}: {package} outside {sorted(TORCH_ROOMS)}")
        if package != ROOT or room == ROOT or found.target == f"{ROOT}.__version__":
            continue
        if module == STUDIES_DOOR and room_of(found.target) == "studies" and is_deferred(found):
            continue
        if is_notebook_door(module, found):
            continue
        if room_of(found.target) not in allowed_rooms(room):
            problems.append(f"{module}:{found.line}: {room} may not import {found.target}")
    return problems


@cache
def package_modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    modules = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = [ROOT, *path.relative_to(PACKAGE).with_suffix("").parts]
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return modules


def is_deferred(found: Import) -> bool:
    """Whether importing its module does not import it: it is in a function, or for types only."""
    return found.within is not None or found.for_types_only


def is_notebook_door(module: str, found: Import) -> bool:
    """Whether it is the one import by which a prediction shows itself in a notebook."""
    return (module, found.within, found.target) == NOTEBOOK_DOOR


def is_door_to_training(module: str, found: Import) -> bool:
    """Whether it is the one import behind which a recipe keeps its training: in the recipe's ``train``."""
    return module.startswith(f"{ROOT}.recipes.") and module.endswith(".recipe") and found.within == "train"


def reachable(start: str, modules: dict[str, Path]) -> set[str]:
    """The package's modules that importing and predicting with ``start`` can load, lazy imports included."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        module = waiting.pop()
        if module in seen or module not in modules:
            continue
        seen.add(module)
        path = modules[module]
        imports = read_imports(path.read_text("utf-8"), module=module, is_package=path.stem == "__init__")
        # A target is a module or a name in one; the packages above it are loaded with it.
        used = [f for f in imports if not f.for_types_only and not is_door_to_training(module, f)]
        names = chain([module], (found.target for found in used))
        waiting += [
            ".".join(name.split(".")[:depth]) for name in names for depth in range(1, name.count(".") + 2)
        ]
    return seen


@pytest.mark.parametrize("module", sorted(package_modules()))
def test_module_keeps_the_import_rule(module):
    path = package_modules()[module]
    assert violations(path.read_text("utf-8"), module=module, is_package=path.stem == "__init__") == []


def test_no_room_stands_above_itself():
    for room in MAY_IMPORT:
        assert all(room not in allowed_rooms(lower) for lower in allowed_rooms(room) - {room}), room


def test_no_files_import_each_other_in_a_circle():
    """Neither when they are loaded nor, by lazy imports, when they are used; names for types alone aside."""
    modules = package_modules()
    waiting = {
        module: {
            name
            for found in read_imports(
                path.read_text("utf-8"), module=module, is_package=path.stem == "__init__"
            )
            if not found.for_types_only
            and not is_notebook_door(module, found)
            and (name := found.target if found.target in modules else found.target.rpartition(".")[0])
            in modules
        }
        - {module}
        for module, path in modules.items()
    }
    while free := [module for module, imported in waiting.items() if not imported & waiting.keys()]:
        for module in free:
            del waiting[module]
    # What is left imports itself in the end, or what does.
    assert sorted(waiting) == []


def test_training_names_no_recipe():
    names = re.compile(r"\b(paper|coarse|fine|orientation|patch)", re.IGNORECASE)
    for path in (PACKAGE / "training").rglob("*.py"):
        assert names.findall(path.read_text("utf-8")) == [], path


def test_bundles_lie_below_what_they_hold():
    holders = {room for room in MAY_IMPORT if "bundles" in allowed_rooms(room) - {room}}
    assert {"uncertainty", "training", "inference", "recipes", "workflows"} <= holders
    assert allowed_rooms("bundles") == {"bundles", "landmarks"} | FOUNDATION


def test_prediction_reaches_torch_by_one_module_alone():
    modules = package_modules()
    path = reachable("cephsure.model", modules)
    assert "cephsure.model" in path
    assert {"cephsure.inference", "cephsure.recipes.paper.localizer", "cephsure.recipes.paper.recipe"} <= path
    reached = {
        f"{module} -> {found.target}"
        for module in path - {TORCH_MODULE}
        for found in read_imports(
            modules[module].read_text("utf-8"), module=module, is_package=modules[module].stem == "__init__"
        )
        if found.target.split(".")[0] in TORCH_PACKAGES and not found.for_types_only
    }
    assert reached == set()
    assert TORCH_MODULE in path


def test_predicting_loads_no_torch(dot_bundles):
    """With a model of every recipe, and all that a prediction can be asked for."""
    folders = [str(dot_bundles(recipe)) for recipe in ("default", "paper")]
    script = textwrap.dedent(f"""
        import sys
        import numpy as np
        from cephsure.films import Film
        from cephsure.model import load_model

        film = Film(np.random.default_rng(0).uniform(size=(240, 200)).astype(np.float32))
        for folder in {folders!r}:
            load_model(folder).thorough().predict(film)
        print(*sorted(set(sys.modules) & {TORCH_PACKAGES!r}))
    """)
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


def test_every_door_to_training_is_used():
    """Each recipe of ours has one, so the walk to torch leaves out just these."""
    modules = package_modules()
    doors = {
        module: found.target
        for module, path in modules.items()
        for found in read_imports(path.read_text("utf-8"), module=module, is_package=False)
        if is_door_to_training(module, found)
    }
    assert doors.keys() == {"cephsure.recipes.coarse_to_fine.recipe", "cephsure.recipes.paper.recipe"}


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("cephsure.films.raster", "from cephsure.inference import Samples", "films may not import"),
        ("cephsure.films.raster", "import cephsure.cli.app", "films may not import"),
        ("cephsure.films.raster", "def f():\n    from ..datasets import Dataset", "films may not import"),
        ("cephsure.films.raster", "from cephsure import load_model", "films may not import"),
        ("cephsure.films.raster", "from cephsure import datasets", "films may not import"),
        ("cephsure.inference.runtime", "def f():\n    import torch.nn", "torch outside"),
        ("cephsure.inference.runtime", "from safetensors.numpy import load", "safetensors outside"),
        ("cephsure.exports.csv", "from cephsure.recipes.paper.stage import UNet", "exports may not import"),
        ("cephsure.workflows.study", "from cephsure.studies import result", "workflows may not import"),
        (
            "cephsure.workflows.gate_films",
            "def f():\n    import cephsure.studies.store",
            "workflows may not import",
        ),
        ("cephsure.cli.experiment", "def f():\n    import cephsure.studies.study", "cli may not import"),
        ("cephsure.uncertainty.prediction", "from cephsure import prediction_html", "may not import"),
        (
            "cephsure.uncertainty.regions",
            "def _repr_html_():\n    from cephsure import prediction_html",
            "uncertainty may not import",
        ),
        ("cephsure.geometry.utils", "", "not utils"),
        ("cephsure.attic.old", "import math", "not in the table"),
    ],
)
def test_checker_sees_a_violation(module, source, complaint):
    assert any(complaint in problem for problem in violations(source, module=module))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("cephsure.films.raster", "from cephsure.errors import FilmError\nimport numpy as np"),
        ("cephsure.films.raster", "from cephsure.geometry import Affine\nfrom . import film"),
        ("cephsure.bundles.bundle", "from cephsure import __version__"),
        ("cephsure.uncertainty.prediction", "from cephsure.films import Film"),
        (
            "cephsure.uncertainty.prediction",
            "class Prediction:\n    def _repr_html_(self):\n        from cephsure import prediction_html",
        ),
        ("cephsure.recipes.paper.stage", "import torch"),
        ("cephsure.workflows.study", "def f():\n    from cephsure.studies.study import Study"),
    ],
)
def test_checker_lets_through_what_is_allowed(module, source):
    assert violations(source, module=module) == []


def test_checker_tells_type_only_imports_from_lazy_ones():
    source = textwrap.dedent("""
        from typing import TYPE_CHECKING

        if TYPE_CHECKING:
            from cephsure.films import Film

        def read():
            from cephsure.films import read
    """)
    found = read_imports(source, module="cephsure.model", is_package=False)
    by_target = {one.target: one.for_types_only for one in found}
    assert by_target["cephsure.films.Film"] is True
    assert by_target["cephsure.films.read"] is False


def test_relative_imports_of_a_package_are_resolved_from_the_package():
    source = "from .raster import read"
    inside = read_imports(source, module="cephsure.films", is_package=True)
    assert [one.target for one in inside] == ["cephsure.films.raster.read"]
