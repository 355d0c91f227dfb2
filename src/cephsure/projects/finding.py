"""Where the films of a project lie now: moved and renamed ones are known again by their content's hash."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cephsure.errors import InputError
from cephsure.projects.database import SUFFIX
from cephsure.text_files import is_file, sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cephsure.projects.records import FilmRecord

_MOST_FILES = 200_000


def find_films(films: Iterable[FilmRecord], project: Path, *, images: Path | None = None) -> dict[int, Path]:
    """The files of films, by their numbers; a film that is nowhere has none.

    A film is where it was last seen, if its file is of the same size and was not changed since, or has the
    same hash. Else it is looked for, by size and then by hash, in ``images`` and all folders in it, in the
    project's folder, the one above it, and those where films of the project were seen.

    Args:
        films: of the project.
        project: its folder, or its file.
        images: a folder where films are looked for as well.

    Raises:
        InputError: there is no such folder of films.
    """
    if images is not None and not images.is_dir():
        raise InputError("there is no such folder of films", where=images, remedy="give it with --images")
    home = (project if project.is_dir() else project.parent).absolute()
    # A path that came with an import is a name alone.
    films = tuple(replace(film, path=home / film.path) for film in films)
    found = {film.film_id: film.path for film in films if _is_there(film)}
    lost = [film for film in films if film.film_id not in found]
    if not lost:
        return found
    folders = dict.fromkeys([home, home.parent, *(film.path.parent for film in films)])
    by_size: dict[int, list[FilmRecord]] = defaultdict(list)
    for film in lost:
        by_size[film.size_bytes].append(film)
    for path, size_bytes in _files(images, folders):
        for film in by_size.get(size_bytes, []):
            if film.film_id not in found and _hash(path) == film.sha256:
                found[film.film_id] = path
        if len(found) == len(films):
            break
    return found


def _is_there(film: FilmRecord) -> bool:
    """Whether a film's file is where it was last seen, with the same content."""
    try:
        facts = film.path.stat()
    except (OSError, ValueError):
        return False
    if facts.st_size != film.size_bytes:
        return False
    return facts.st_mtime_ns == film.changed_ns or _hash(film.path) == film.sha256


def _hash(path: Path) -> str | None:
    try:
        return sha256_of(path)
    except InputError:
        return None


def _files(images: Path | None, folders: Iterable[Path]) -> Iterator[tuple[Path, int]]:
    """Regular files with their sizes: all below one folder, and those in others."""
    count = 0
    for path in _paths(images, folders):
        count += 1
        if count > _MOST_FILES:
            return
        try:
            size_bytes = path.stat().st_size
        except (OSError, ValueError):
            continue
        # An open project's own file is left to SQLite: to close it elsewhere would give up its locks (POSIX).
        if is_file(path) and path.suffix.lower() != SUFFIX:
            yield path, size_bytes


def _paths(images: Path | None, folders: Iterable[Path]) -> Iterator[Path]:
    if images is not None:
        for folder, _, names in os.walk(images):
            yield from (Path(folder) / name for name in sorted(names))
    for place in folders:
        try:
            yield from sorted(place.iterdir())
        except (OSError, ValueError):
            continue
