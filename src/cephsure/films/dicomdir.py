"""A DICOM disc's directory (DICOMDIR): which films it lists, and where they lie."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pydicom.uid import MediaStorageDirectoryStorage

from cephsure.errors import FilmError
from cephsure.films.dicom_file import read_dataset_of
from cephsure.films.film import DEFAULT_LIMITS
from cephsure.films.third_party import captured_warnings
from cephsure.text_files import read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataset import Dataset

FILE_NAME = "DICOMDIR"
_MOST_BYTES = 50 * 2**20
_DIRECTORY = str(MediaStorageDirectoryStorage).encode()
_HEAD_BYTES = 1024


def is_dicomdir(path: Path) -> bool:
    """Whether a file is a DICOM disc's directory, by its content."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError:
        return False
    return head[128:132] == b"DICM" and _DIRECTORY in head


def films_of_dicomdir(path: Path) -> list[Path]:
    """The images that a directory lists, in its order; a file that is listed and not there is listed too.

    Raises:
        FilmError: it cannot be read, or lists an image outside its folder.
    """
    try:
        data = read_bytes(path, most_bytes=_MOST_BYTES, kind=FilmError)
        with captured_warnings():
            dataset, _ = read_dataset_of(data, DEFAULT_LIMITS)
            listed = list(dict.fromkeys(_images(dataset)))
    except FilmError as error:
        raise FilmError(error.what, where=path, remedy=error.remedy) from error
    except Exception as error:
        raise FilmError("the disc's directory is damaged", where=path) from error
    return [_place(path, parts) for parts in listed]


def _images(dataset: Dataset) -> Iterator[tuple[str, ...]]:
    """The parts of each image's File ID."""
    for record in dataset.get("DirectoryRecordSequence") or ():
        parts = record.get("ReferencedFileID")
        if record.get("DirectoryRecordType") == "IMAGE" and parts:
            yield (str(parts),) if isinstance(parts, str) else tuple(map(str, parts))


def _place(directory: Path, parts: tuple[str, ...]) -> Path:
    """Where a file lies: as the directory has it, or in whatever case its disc was copied in."""
    place = directory.parent
    for part in parts:
        if part in ("", ".", "..") or Path(part).name != part or "\\" in part:
            raise FilmError("the disc's directory lists a file outside its folder", where=directory)
        place = _whatever_case(place, part)
    return place


def _whatever_case(folder: Path, name: str) -> Path:
    exact = folder / name
    if os.path.lexists(exact):
        return exact
    try:
        return next((each for each in sorted(folder.iterdir()) if each.name.lower() == name.lower()), exact)
    except OSError:
        return exact
