"""The project's tasks, one place: ``nox -l`` lists them, ``nox`` runs what a change must pass before review.

They run in the environment that you work in (``pip install -c constraints.txt -e ".[dev]"``), since one with
torch takes minutes to make; ``.ci/run`` makes fresh ones and calls these same sessions.
"""

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "fast", "docs"]
COVERAGE_PERCENT = 99


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
def docs(session: nox.Session) -> None:
    """The documentation site into site/; a broken link or reference fails."""
    session.run("zensical", "build", "--clean", "--strict")
