"""Reads points that a person marked or corrected, in any format that is read or written here.

Unlike a data set they need no image on disk: a film is what it is called, and what was marked on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets.annotated_film import MEAN, chosen_points
from cephsure.datasets.builder import LONGEST_LINE, DatasetBuilder
from cephsure.datasets.isbi import looks_like_isbi, read_isbi
from cephsure.datasets.label_file import add_files
from cephsure.datasets.open import FORMATS, find_format
from cephsure.datasets.project import add_project
from cephsure.errors import InputError
from cephsure.films.third_party import printable
from cephsure.projects import Project
from cephsure.text_files import is_folder, is_there

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from cephsure.landmarks import LabelKind, LandmarkSet

    Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MarkedFilm:
    """What people marked on one film.

    Attributes:
        name: what the film is called: its file's name without suffix, with folders where names repeat.
        path: the film's file as the points' file names it, which need not exist; None where it names none.
        size_px: the film's width and height, where stated.
        marks: by annotator (L, 2) positions (x, y) in px of the film, NaN where missing.
        mm_per_px: along x and along y, where stated.
        ruler_mm_per_px: by a ruler that somebody laid on this very film; goes before every other scale.
        problems: a line for each thing that was left out, and why.
    """

    name: str
    path: Path | None
    size_px: tuple[int, int] | None
    marks: Mapping[str, Array]
    mm_per_px: tuple[float, float] | None = None
    ruler_mm_per_px: float | None = None
    problems: tuple[str, ...] = ()

    def points_px(self, which: str = MEAN) -> Array:
        """(L, 2) points of one annotator, or for "mean" of all who marked each point; NaN where nobody did.

        Raises:
            InputError: the film has no annotator of this name.
        """
        return chosen_points(self.marks, which, where=self.path or self.name)


def films_called(marked: Sequence[MarkedFilm], film: Path) -> list[MarkedFilm]:
    """Those of many marked films that a film file is: by its path, else by its name, with a suffix or not."""
    pathed = [(each, each.path) for each in marked if each.path is not None]
    own = [each for each, path in pathed if path.resolve() == film.resolve()]
    own = own or [each for each, path in pathed if path.name == film.name]
    # A film that was converted kept its name but for the suffix.
    return own or [each for each in marked if Path(each.name).name in {film.stem, film.name}]


def read_marked_points(
    path: Path | str,
    *,
    landmark_set: LandmarkSet,
    mm_per_px: float | tuple[float, float] | None = None,
    images: Path | str | None = None,
    labels: LabelKind = "auto",
) -> tuple[MarkedFilm, ...]:
    """Read the points of one or many films.

    Args:
        path: a file of any known format (found out from what is in it), a folder of files of one format, or a
            data set.
        landmark_set: what the points are called; other labels are left out and named in the problems.
        mm_per_px: needed only for a list of 3D Slicer's that does not say its spacing.
        images: a folder where films are looked for, where their size is needed.
        labels: how a label is read that is a landmark's name and another one's number.

    Returns:
        The films on which a point is marked, by name. In formats of one file a film, the annotator is called
        as the folder; in tables as the file, where no column says who it was.

    Raises:
        InputError: there is no such file, its format is not known, or it holds no point.
        AnnotationError: it is malformed; names the file and the line or the place in it.
    """
    path = Path(path)
    if not is_there(path):
        raise InputError("there is no such file or folder", where=path)
    if looks_like_isbi(path):
        return _of_isbi(path, landmark_set)
    scale = (mm_per_px, mm_per_px) if isinstance(mm_per_px, int | float) else mm_per_px
    builder = DatasetBuilder(
        root=path if is_folder(path) else path.parent,
        landmark_set=landmark_set,
        images=None if images is None else Path(images),
        labels=labels,
        mm_per_px=scale,
        source=path,
    )
    layout, rulers = find_format(path, thing="file of points"), dict[Path, float]()
    if layout == "project":
        builder.labels = "names"
        with Project.open(path, read_only=True) as project:
            rulers = add_project(project, builder)
    else:
        add_files(FORMATS[layout], path, builder)
    found = []
    for film in builder.gather():
        marks = {name: at for name, at in film.annotations.items() if np.isfinite(at).any()}
        named = film.path if film.is_named else None
        found.append(
            MarkedFilm(
                name=film.film_id,
                path=named,
                size_px=film.size_px,
                marks=marks,
                mm_per_px=film.mm_per_px,
                ruler_mm_per_px=rulers.get(film.path),
                problems=_problems_of(film.film_id, builder.problems),
            )
        )
    return tuple(found)


def _of_isbi(root: Path, landmark_set: LandmarkSet) -> tuple[MarkedFilm, ...]:
    """The challenge's data set, whose images say which split a film is of."""
    dataset = read_isbi(root, landmark_set=landmark_set)
    found = []
    for film in dataset.films:
        marks = {name: at for name, at in film.annotations.items() if np.isfinite(at).any()}
        scale = None if film.spacing is None else (film.spacing.x_mm_per_px, film.spacing.y_mm_per_px)
        found.append(MarkedFilm(film.film_id, film.path, None, marks, scale))
    return tuple(found)


def _problems_of(name: str, problems: list[str]) -> tuple[str, ...]:
    """The problems of one film, and those of no film in particular."""
    own = f"film {name}: "
    return tuple(
        printable(line.removeprefix(own), longest=LONGEST_LINE)
        for line in problems
        if line.startswith(own) or not line.startswith("film ")
    )
