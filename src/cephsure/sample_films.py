"""The sample films that the package ships: where they are, their scale and their credit line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from cephsure.errors import InputError


@dataclass(frozen=True, slots=True)
class SampleFilm:
    """A film shipped with the package.

    Attributes:
        name: what `sample_film` is asked for.
        path: the PNG file.
        mm_per_px: the scale in the midsagittal plane of the unturned head, exact by construction.
        rotation_deg: how far the head is turned about the vertical axis, to the patient's left.
        credit: the line to show wherever the film appears.
        description: what is seen, in one line.
        sha256: of the file.
    """

    name: str
    path: Path
    mm_per_px: float
    rotation_deg: float
    credit: str
    description: str
    sha256: str

    @property
    def points_path(self) -> Path:
        """A table of true points of all sample films, projected from landmarks placed once in the CT."""
        return self.path.with_name("points.csv")


def sample_films() -> tuple[SampleFilm, ...]:
    """All sample films in the order of ``samples.json``, the straight one first.

    Raises:
        InputError: if the package was installed without its data files.

    Examples:
        >>> [film.name for film in sample_films()]
        ['vhm_lateral_0deg', 'vhm_lateral_30deg']
    """
    folder = Path(str(resources.files("cephsure") / "data" / "samples"))
    index = folder / "samples.json"
    try:
        listed = json.loads(index.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            "the sample films are missing from this installation", where=index, remedy="install cephsure anew"
        ) from error
    return tuple(
        SampleFilm(
            name=entry["name"],
            path=folder / entry["file"],
            mm_per_px=float(entry["mm_per_px"]),
            rotation_deg=float(entry["rotation_deg"]),
            credit=listed["credit"],
            description=entry["description"],
            sha256=entry["sha256"],
        )
        for entry in listed["films"]
    )


def sample_film(name: str) -> SampleFilm:
    """One sample film by its name, as in `sample_films`.

    Raises:
        InputError: if there is none of that name.
    """
    films = {film.name: film for film in sample_films()}
    if name not in films:
        raise InputError(f"there is no sample film {name!r}", remedy=f"known: {', '.join(films)}")
    return films[name]
