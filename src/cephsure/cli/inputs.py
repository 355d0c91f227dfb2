"""Which films a command line means: files, folders and globs."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING

from cephsure.errors import FilmError, InputError
from cephsure.films.recognition import recognise

if TYPE_CHECKING:
    from collections.abc import Iterable

_FILM_SUFFIXES = frozenset({".bmp", ".dcm", ".dicom", ".jpeg", ".jpg", ".png", ".tif", ".tiff"})
_HEAD_BYTES = 1024

OVERLAY_SUFFIX = ".overlay.png"
"""What follows the film's name in the name of its overlay."""


def find_films(arguments: Iterable[str]) -> tuple[list[Path], list[InputError]]:
    """Resolve what was typed to film files.

    A folder stands for the films directly in it, in the order of their names: files with a film's suffix, and
    files that are films by their content (DICOM files often have no suffix). Hidden files and overlays that
    `cephsure predict` wrote are passed over. A pattern (``*``, ``?``, ``[...]``, ``**``) that the shell did
    not expand is expanded here. A file named outright is taken as it is: the reader says what is wrong.

    Args:
        arguments: files, folders and patterns.

    Returns:
        The films, each once, in the order given; and one error for each argument that stands for no film.
    """
    films: dict[Path, None] = {}
    problems: list[InputError] = []
    for argument in arguments:
        try:
            films.update(dict.fromkeys(_films_of(argument)))
        except InputError as error:
            problems.append(error)
    return list(films), problems


def _films_of(argument: str) -> list[Path]:
    path = Path(argument)
    if path.is_dir():
        return _films_in(path)
    if path.exists() or not glob.has_magic(argument):
        return [path]
    # Windows shells and quotes leave patterns to the program.
    matches = [Path(match) for match in sorted(glob.glob(argument, recursive=True))]  # noqa: PTH207 - absolute too
    found = [film for match in matches for film in (_films_in(match) if match.is_dir() else [match])]
    if not found:
        raise FilmError("no file matches this pattern", where=argument)
    return found


def _films_in(folder: Path) -> list[Path]:
    try:
        films = [file for file in sorted(folder.iterdir()) if _looks_like_film(file)]
    except OSError as error:
        raise FilmError(f"cannot be listed: {error.strerror}", where=folder) from error
    if not films:
        raise FilmError(
            "no films in this folder",
            where=folder,
            remedy="PNG, JPEG, BMP, TIFF and DICOM files are read; folders inside it are not searched",
        )
    return films


def _looks_like_film(file: Path) -> bool:
    if file.name.startswith(".") or file.name.endswith(OVERLAY_SUFFIX) or not file.is_file():
        return False
    if file.suffix.lower() in _FILM_SUFFIXES:
        return True
    try:
        with file.open("rb") as stream:
            recognise(stream.read(_HEAD_BYTES))
    except (OSError, FilmError):
        return False
    return True
