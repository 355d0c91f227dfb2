"""Names of output files, and how an output file refers to the film it is about."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_FILM_SUFFIXES = frozenset(
    {".bmp", ".dcm", ".dic", ".dicom", ".ima", ".jpeg", ".jpg", ".png", ".tif", ".tiff"}
)
_OWN_SUFFIX = re.compile(r"\.(mrk|coco|labelme)$", re.IGNORECASE)


def unique_stems(paths: Sequence[Path | str]) -> list[str]:
    """Give each film a name for its output files, so that no film's output overwrites another's.

    A film keeps its own name where that is unique. Films of the same name take as many of their folders
    before the name as are needed to tell them apart; what is then still the same (``001.png`` and ``001.dcm``
    of one folder, a path given twice) is told apart by its suffix or by a running number. Names count as the
    same if a file system that ignores case, or the way an accent is composed, would take them so.

    Args:
        paths: the films, in the order of the batch.

    Returns:
        One name a path, in the same order, all different.

    >>> unique_stems(["north/001.png", "south/001.png", "south/002.png"])
    ['north_001', 'south_001', '002']
    """
    films = [Path(path) for path in paths]
    groups: dict[str, list[int]] = defaultdict(list)
    for index, film in enumerate(films):
        groups[_key(film_stem(film))].append(index)
    wanted = [""] * len(films)
    alone: dict[int, bool] = {}
    for indices in groups.values():
        for index, name in zip(indices, _told_apart([films[i] for i in indices]), strict=True):
            wanted[index] = name
            alone[index] = len(indices) == 1
    # Films that keep their own name choose first: a renamed film must not take it from them.
    taken: set[str] = set()
    stems = [""] * len(films)
    for index in sorted(range(len(films)), key=lambda i: (not alone[i], i)):
        stems[index] = _free(wanted[index], taken)
        taken.add(_key(stems[index]))
    return stems


def film_stem(path: Path | str | None) -> str:
    """The film's name without its folder and without a film's suffix; ``film`` if it has none.

    Only known suffixes are cut: DICOM files are often called by a UID, whose last part is no suffix.

    >>> film_stem("out/007.PNG"), film_stem("1.2.840.113"), film_stem(None)
    ('007', '1.2.840.113', 'film')
    """
    if path is None:
        return "film"
    path = Path(path)
    stem = path.stem if path.suffix.lower() in _FILM_SUFFIXES else path.name
    # "a.mrk" + ".json" would be the Slicer file of the film "a".
    return _OWN_SUFFIX.sub(r"_\1", stem) or "film"


def film_reference(film_path: str | None, out_dir: Path) -> str:
    """Where the film lies as seen from ``out_dir``, with forward slashes.

    Args:
        film_path: the film's path as given (relative to the working folder), or None for a film in memory.
        out_dir: the folder of the file that will hold the reference.

    Returns:
        A relative path; an absolute one if there is no relative one (another drive); ``film`` for no path.
    """
    if film_path is None:
        return "film"
    film = Path(film_path).resolve()
    try:
        return Path(os.path.relpath(film, out_dir.resolve())).as_posix()
    except ValueError:
        return film.as_posix()


def _told_apart(films: list[Path]) -> list[str]:
    """Names of films that share a stem: with the fewest folders that tell them apart, then with suffixes."""
    stems = [film_stem(film) for film in films]
    folders = [tuple(part for part in film.parent.parts if re.search(r"\w", part)) for film in films]
    names = stems
    for depth in range(max(map(len, folders)) + 1):
        names = [
            "_".join([*map(_word, parts[len(parts) - min(depth, len(parts)) :]), stem])
            for parts, stem in zip(folders, stems, strict=True)
        ]
        if _all_differ(names):
            return names
    counts = Counter(map(_key, names))
    return [
        f"{name}_{film.suffix[1:]}"
        if counts[_key(name)] > 1 and film.suffix.lower() in _FILM_SUFFIXES
        else name
        for name, film in zip(names, films, strict=True)
    ]


def _word(folder: str) -> str:
    return re.sub(r"[:\\/]", "", folder)


def _free(name: str, taken: set[str]) -> str:
    candidate, number = name, 2
    while _key(candidate) in taken:
        candidate, number = f"{name}_{number}", number + 1
    return candidate


def _all_differ(names: list[str]) -> bool:
    return len(set(map(_key, names))) == len(names)


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
