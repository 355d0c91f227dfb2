"""Writing bundles: all changes in a copy beside, which takes the bundle's place at the end, or never.

A bundle is only ever seen whole, with checksums of all its files: whatever fails, the old one stays.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cephsure.atomic import write_atomically
from cephsure.bundles.bundle_files import SUMS_FILE, checksums
from cephsure.errors import InputError
from cephsure.text_files import is_file, is_there, read_text, sha256_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cephsure.bundles.bundle import Bundle

CARD_FILE = "MODEL_CARD.md"


class BundleEdit:
    """A bundle that is being written.

    Attributes:
        folder: where its files are until it is whole.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, content: bytes) -> None:
        """Write a file, folders and all; ``name`` is its place in the bundle."""
        write_atomically(self.folder / name, content)

    def remove(self, name: str) -> None:
        """Remove a file or a folder, if it is there."""
        path = self.folder / name
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)

    def set_section(self, section: str) -> None:
        """Put a section (its heading first) into the model card, in place of an older one."""
        self.write(CARD_FILE, with_section(self._card(), section).encode())

    def remove_section(self, heading: str) -> None:
        """Take a section out of the model card, if it is there."""
        self.write(CARD_FILE, without_section(self._card(), heading).encode())

    def _card(self) -> str:
        path = self.folder / CARD_FILE
        return read_text(path) if is_file(path) else ""


@contextmanager
def new_bundle(folder: Path) -> Iterator[BundleEdit]:
    """Write a bundle from nothing; it takes the place of an older one when all of it is there.

    Raises:
        InputError: it cannot be written.
    """
    with _beside(folder, lambda building: building.mkdir()) as edit:
        yield edit


@contextmanager
def edit_bundle(source: Bundle, folder: Path | None = None) -> Iterator[BundleEdit]:
    """Change a copy of a bundle, which becomes a new one at ``folder``, or takes the old one's place.

    Checksums are written when the block ends; where it raises, nothing is changed and nothing new is left.

    Raises:
        InputError: there is something at ``folder``, it cannot be written, or the bundle was changed since
            it was read.
    """
    target = source.folder if folder is None else folder
    if folder is not None and is_there(folder):
        raise InputError("is there already", where=folder, remedy="name a new folder, or remove this one")

    def copy(building: Path) -> None:
        if sha256_of(source.folder / SUMS_FILE) != source.sha256:
            raise InputError("was changed since it was read", where=source.folder, remedy="start again")
        _copy_files(source.folder, building)

    with _beside(target, copy) as edit:
        yield edit


def _copy_files(folder: Path, building: Path) -> None:
    """Copy a bundle's files but its checksums; not their permissions, which may forbid to write."""
    building.mkdir()
    for file in folder.rglob("*"):
        place = building / file.relative_to(folder)
        if file.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        elif file.name != SUMS_FILE:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place, follow_symlinks=False)


@contextmanager
def _beside(folder: Path, begin: Callable[[Path], None]) -> Iterator[BundleEdit]:
    """Write in a folder beside, and put it into ``folder``'s place when the block ends without an error."""
    building, old = (folder.with_name(f".{folder.name}.{end}") for end in ("new", "old"))
    try:
        with _complaints(folder):
            shutil.rmtree(building, ignore_errors=True)  # of a write that was killed
            building.parent.mkdir(parents=True, exist_ok=True)
            begin(building)
        yield BundleEdit(building)
        with _complaints(folder):
            write_atomically(building / SUMS_FILE, checksums(building).encode())
            # What is at ``folder`` goes only when the new one is there.
            if folder.exists():
                shutil.rmtree(old, ignore_errors=True)
                folder.rename(old)
            try:
                building.rename(folder)
            except OSError:
                if old.exists():
                    old.rename(folder)
                raise
            shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(building, ignore_errors=True)


@contextmanager
def _complaints(folder: Path) -> Iterator[None]:
    """Say which bundle it was that could not be written."""
    try:
        yield
    except OSError as error:
        raise InputError(f"the bundle cannot be written: {error.strerror or error}", where=folder) from error


def with_section(card: str, section: str) -> str:
    """A card with a section in place of the one of the same heading, or before its section on files."""
    heading = section.split("\n", 1)[0]
    before, found, following = _parted(card, heading)
    if not found:
        before, files, after = card.partition("## Files\n")
        following = files + after
    return f"{before}{section}" + (f"\n{following}" if following else "")


def without_section(card: str, heading: str) -> str:
    """A card without the section of a heading."""
    before, _, following = _parted(card, heading)
    return before + following


def _parted(card: str, heading: str) -> tuple[str, bool, str]:
    """What is before a section and what comes after it, and whether it is there."""
    before, found, rest = card.partition(f"{heading}\n")
    return before, bool(found), rest[rest.find("\n## ") + 1 :] if "\n## " in rest else ""
