"""The project's tasks, one place: ``nox -l`` lists them, ``nox`` runs what a change must pass before review.

They run in the environment that you work in (``pip install -c constraints.txt -e ".[dev]"``), since one with
torch takes minutes to make; ``.ci/run`` makes fresh ones and calls these same sessions.
"""

import sys
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "fast", "docs"]
COVERAGE_PERCENT = 99
OLDEST_BESIDE = ("onnx", "safetensors", "pytest", "pytest-xdist", "hypothesis", "jsonschema")
"""What tests without torch need beside the package."""
OLDEST_TESTS = (
    *(
        f"tests/{room}"
        for room in ("bundles", "cephalometry", "datasets", "exports", "inference", "landmarks")
    ),
    *(f"tests/test_{name}.py" for name in ("errors", "model", "text_files")),
)
"""Rooms that between them call every package of an installation without torch."""


@nox.session
def lint(session: nox.Session) -> None:
    """Style and format: ruff."""
    session.run("ruff", "check", "--no-cache", ".")
    session.run("ruff", "format", "--no-cache", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Types: mypy, strict."""
    session.run("mypy", *session.posargs)


@nox.session
def fast(session: nox.Session) -> None:
    """Tests of under a minute: everything but those that train or render."""
    session.run("pytest", "-m", "not slow", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """All tests, with the coverage gate."""
    gate = ("--cov", "--cov-report=term:skip-covered", f"--cov-fail-under={COVERAGE_PERCENT}")
    session.run("pytest", *gate, *session.posargs)


@nox.session
def oldest(session: nox.Session) -> None:
    """Tests with the oldest versions that the metadata allow, in an environment of their own; a minute."""
    environment = Path(session.create_tmp()) / "oldest"
    session.run(sys.executable, "-m", "venv", "--clear", str(environment), external=True)
    python = str(environment / ("Scripts" if sys.platform == "win32" else "bin") / "python")
    constraints = environment / "constraints.txt"
    listed = session.run("python", "scripts/oldest_versions.py", silent=True)
    constraints.write_text(str(listed), encoding="utf-8")
    # uv: pip takes minutes to find these versions. Without torch, which has one version that is tested.
    session.run(python, "-m", "pip", "install", "--quiet", "uv", external=True)
    install = [python, "-m", "uv", "pip", "install", "--quiet", "--python", python, "--constraints"]
    session.run(*install, str(constraints), ".[dicom,studies,xlsx]", *OLDEST_BESIDE, external=True)
    session.run(python, "-m", "pytest", "-m", "not slow", *OLDEST_TESTS, *session.posargs, external=True)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation site into site/; a broken link or reference fails."""
    session.run("zensical", "build", "--clean", "--strict")
