"""The page's own files: only those that lie in the package are served, each by its name from a list."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".ttf": "font/ttf",
}
"""What is served, by suffix; other files are not."""
INDEX = "index.html"


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file of the page.

    Attributes:
        content_type: for the header.
        etag: changes with the content.
    """

    content: bytes
    content_type: str
    etag: str


def page_files(folder: Traversable | None = None) -> dict[str, PageFile]:
    """The page's files by their paths below its folder, with forward slashes."""
    root = resources.files("cephsure.review") / "page" if folder is None else folder
    return dict(sorted(_files_in(root, ""))) if root.is_dir() else {}


def _files_in(folder: Traversable, above: str) -> Iterator[tuple[str, PageFile]]:
    for entry in folder.iterdir():
        name = f"{above}{entry.name}"
        if entry.name.startswith((".", "__")):
            continue
        if entry.is_dir():
            yield from _files_in(entry, f"{name}/")
            continue
        content_type = CONTENT_TYPES.get(f".{entry.name.rpartition('.')[2]}")
        if content_type is not None:
            content = entry.read_bytes()
            etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
            yield name, PageFile(content, content_type, etag)
