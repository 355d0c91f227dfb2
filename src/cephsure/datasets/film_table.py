"""A table of what else is known of films (device, age group, site, ...), one row a film."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from cephsure.errors import InputError
from cephsure.text_files import read_rows


def read_film_table(path: Path | str, column: str) -> dict[str, str]:
    """The values of one column by film; films whose cell is empty are left out.

    The table is CSV in UTF-8 with a heading line. The films' names, as in the data set and with or without
    the suffix of the image file, are in the column ``film``, or in the first one where none is called so.

    Raises:
        InputError: it cannot be read, has no such column, or names a film twice.
    """
    heading, *lines = [row for _, row in read_rows(Path(path))] or [[]]
    if column not in heading:
        known = ", ".join(heading) or "none"
        raise InputError(f"has no column {column!r}", where=path, remedy=f"its columns: {known}")
    at, named = heading.index(column), heading.index("film") if "film" in heading else 0
    values: dict[str, str] = {}
    bare: dict[str, str] = {}
    for line in lines:
        film, value = (line[place] if place < len(line) else "" for place in (named, at))
        if film in values:
            raise InputError(f"names film {film!r} twice", where=path)
        values[film] = value
        bare[str(PurePosixPath(film.replace("\\", "/")).with_suffix(""))] = value
    return {film: value for film, value in (bare | values).items() if value}
