"""Constraints for pip: of everything that pyproject.toml asks for, the oldest version that it allows.

``python scripts/oldest_versions.py > oldest.txt && pip install -c oldest.txt ".[test]"``; ``nox -s oldest``
installs these and runs tests with them, so that the metadata promise nothing that was not tried.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"
EXTRAS = ("train", "dicom", "xlsx", "studies", "review", "test")
"""Those of whoever uses or tests the package; the docs' and the linters' are pinned by nobody but us."""
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?(?:>=([0-9.]+))?")


def oldest(requirements: list[str]) -> dict[str, str]:
    """Names and lowest versions of requirements that have one.

    >>> oldest(["numpy>=1.26", "torch>=2.6,<2.14", "cephsure[train]"])
    {'numpy': '1.26', 'torch': '2.6'}
    """
    found = {}
    for requirement in requirements:
        match = _REQUIREMENT.match(requirement)
        if match is not None and match[2] is not None:
            found[match[1]] = match[2]
    return found


def main() -> None:
    """Print a constraint a line."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *(one for name in EXTRAS for one in extras[name])]
    for name, version in sorted(oldest(asked).items()):
        print(f"{name}=={version}")


if __name__ == "__main__":
    main()
