"""JSON files of a bundle that say which version they are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cephsure.errors import BundleError

if TYPE_CHECKING:
    from pathlib import Path


def read_versioned(path: Path, *, version: str, what: str, remedy: str = "update cephsure") -> dict[str, Any]:
    """The JSON object of a file whose key ``format`` is ``version``.

    Args:
        path: the file.
        version: that is wanted.
        what: the file is, for the error.
        remedy: of another version, for the error.

    Raises:
        BundleError: it cannot be read, is no JSON or of another version.
    """
    try:
        data = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BundleError(f"cannot be read: {error.strerror or error}", where=path) from error
    except (ValueError, RecursionError) as error:
        raise BundleError("not valid JSON", where=path) from error
    found = data.get("format") if isinstance(data, dict) else None
    if found != version:
        raise BundleError(
            f"{what} version {found!r} is unknown, this program reads {version}",
            where=path,
            remedy=remedy,
        )
    read: dict[str, Any] = data
    return read
