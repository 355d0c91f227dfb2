"""What the formats share: names of output files, how a file refers to its film, and JSON that can be read."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cephsure.file_names import FILM_SUFFIXES, as_utf8, escaped, folded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_OWN_SUFFIX = re.compile(r"\.(mrk|coco|labelme|cvat|label-studio)$", re.IGNORECASE)

LONGEST_STEM = 200
"""Bytes of UTF-8. File systems take 255, and the formats' suffixes must have room."""
_DIGEST = 12


def unique_stems(paths: Sequence[Path | str]) -> list[str]:
    """Give each film a name for its output files, so that no film's output overwrites another's.

    A film keeps its own name where that is unique. Films of the same name take as many of their folders
    before the name as are needed to tell them apart; what is then still the same (``001.png`` and ``001.dcm``
    of one folder, a path given twice) is told apart by its suffix or by a running number. Names count as the
    same if a file system that ignores case, or the way an accent is composed, would take them so. What would
    be too long for a file's name is shortened (`shortened`).

    Returns:
        One name a path, in the same order, all different.

    >>> unique_stems(["north/001.png", "south/001.png", "south/002.png"])
    ['north_001', 'south_001', '002']
    """
    films = [Path(path) for path in paths]
    groups: dict[str, list[int]] = defaultdict(list)
    for index, film in enumerate(films):
        groups[folded(film_stem(film))].append(index)
    wanted: dict[int, str] = {}
    renamed: set[int] = set()
    for indices in groups.values():
        wanted.update(zip(indices, _told_apart([films[i] for i in indices]), strict=True))
        if len(indices) > 1:
            renamed.update(indices)
    # Films that keep their own name choose first: a renamed film must not take it from them.
    stems, taken = [""] * len(films), set[str]()
    for index in sorted(wanted, key=lambda index: (index in renamed, index)):
        stem, number = shortened(wanted[index]), 2
        while folded(stem) in taken:
            stem, number = shortened(f"{wanted[index]}_{number}"), number + 1
        stems[index] = stem
        taken.add(folded(stem))
    return stems


def film_stem(path: Path | str | None) -> str:
    r"""The film's name without its folder and without a film's suffix; ``film`` if it has none.

    Only known suffixes are cut: DICOM files are often called by a UID, whose last part is no suffix. What no
    text can hold is escaped, as `cephsure.file_names` describes.

    >>> film_stem("out/007.PNG"), film_stem("1.2.840.113"), film_stem(None), film_stem("a\nb.png")
    ('007', '1.2.840.113', 'film', 'a%0Ab')
    """
    if path is None:
        return "film"
    path = Path(path)
    stem = path.stem if path.suffix.lower() in FILM_SUFFIXES else path.name
    # "a.mrk" + ".json" would be the Slicer file of the film "a".
    return escaped(_OWN_SUFFIX.sub(r"_\1", stem)) or "film"


def shortened(stem: str) -> str:
    """A name of at most ``LONGEST_STEM`` bytes: a longer one is cut, and ends with ~ and its own checksum.

    The same name always becomes the same, and names that differ become names that differ.

    >>> shortened("001"), shortened("x" * 300)[-16:]
    ('001', 'xxx~0d4e2ca9e9cb')
    """
    content = stem.encode("utf-8")
    if len(content) <= LONGEST_STEM:
        return stem
    digest = hashlib.sha256(content).hexdigest()[:_DIGEST]
    return f"{content[: LONGEST_STEM - _DIGEST - 1].decode('utf-8', 'ignore')}~{digest}"


def written_film(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document about a film as it is written: its ``path`` as every file has it."""
    film = document["film"]
    path = None if film["path"] is None else escaped(film["path"])
    return {**document, "film": {**film, "path": path}}


def film_reference(film_path: str | None, out_dir: Path) -> str:
    """Where a film lies as seen from ``out_dir``, with forward slashes and escaped where no text can hold it.

    The path is absolute if there is no relative one (another drive), and ``film`` for a film in memory.
    """
    if film_path is None:
        return "film"
    film = Path(film_path).resolve()
    try:
        return escaped(Path(os.path.relpath(film, out_dir.resolve())).as_posix())
    except ValueError:
        return escaped(film.as_posix())


def readable_json(document: Mapping[str, Any]) -> str:
    """Write an object with each of its keys, and each object of its lists, on a line of its own.

    Plain indentation would give every coordinate of every sample its own line, some two thousand a film.

    Raises:
        ValueError: a number is NaN or infinite, which JSON cannot hold.

    >>> print(readable_json({"name": "S", "points": [{"x": 1.5}, {"x": 2}]}), end="")
    {
      "name": "S",
      "points": [
        {"x": 1.5},
        {"x": 2}
      ]
    }
    """
    members = [f"  {one_line_json(key)}: {_value(value)}" for key, value in document.items()]
    return "{\n" + ",\n".join(members) + "\n}\n"


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)) and value and all(isinstance(item, dict) for item in value):
        return "[\n" + ",\n".join(f"    {one_line_json(item)}" for item in value) + "\n  ]"
    return one_line_json(value)


def one_line_json(value: Any) -> str:
    """Any value as JSON in one line, letters as they are; raises what `readable_json` raises."""
    return as_utf8(json.dumps(value, ensure_ascii=False, allow_nan=False))


def _told_apart(films: list[Path]) -> list[str]:
    """Names of films that share a stem: with the fewest folders that tell them apart, then with suffixes."""
    stems = [film_stem(film) for film in films]
    folders = [tuple(part for part in film.parent.parts if re.search(r"\w", part)) for film in films]
    names = stems
    for depth in range(max(map(len, folders)) + 1):
        names = [
            "_".join(
                [
                    *(escaped(re.sub(r"[:\\/]", "", part)) for part in parts[max(len(parts) - depth, 0) :]),
                    stem,
                ]
            )
            for parts, stem in zip(folders, stems, strict=True)
        ]
        counts = Counter(map(folded, names))
        if len(counts) == len(names):
            return names
    return [
        f"{name}_{film.suffix[1:]}"
        if counts[folded(name)] > 1 and film.suffix.lower() in FILM_SUFFIXES
        else name
        for name, film in zip(names, films, strict=True)
    ]
