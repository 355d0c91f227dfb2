"""Reads points that a person marked or corrected, in any format that is read or written here.

Unlike a data set they need no image on disk: a film is what it is called, and what was marked on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.datasets import coco, csv_table, labelme, prediction_file, slicer
from cephsure.datasets.annotated_film import MEAN, chosen_points
from cephsure.datasets.builder import DatasetBuilder
from cephsure.datasets.isbi import looks_like_isbi, read_isbi, read_points
from cephsure.datasets.json_files import DUPLICATES, JsonObject
from cephsure.errors import AnnotationError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from cephsure.landmarks import LandmarkSet

    Array = NDArray[np.float64]

_SUFFIXES = (".json", ".csv", ".txt")
_KNOWN = (
    "known: cephsure's JSON and CSV, 3D Slicer (.mrk.json), labelme, COCO key points, CSV tables, "
    "text files of x,y lines (ISBI 2015)"
)


@dataclass(frozen=True, slots=True)
class MarkedFilm:
    """What people marked on one film.

    Attributes:
        name: what the film is called: its file's name without suffix, with folders where names repeat.
        path: the film's file as the points' file names it, which need not exist; None where it names none.
        size_px: the film's width and height, where stated.
        marks: by annotator (L, 2) positions (x, y) in px of the film, NaN where missing.
        mm_per_px: along x and along y, where stated.
        problems: a line for each thing that was left out, and why.
    """

    name: str
    path: Path | None
    size_px: tuple[int, int] | None
    marks: Mapping[str, Array]
    mm_per_px: tuple[float, float] | None = None
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
    path: Path | str, *, landmark_set: LandmarkSet, mm_per_px: float | tuple[float, float] | None = None
) -> tuple[MarkedFilm, ...]:
    """Read the points of one or many films.

    Args:
        path: a file of any known format (found out from what is in it), a folder of files of one format, or a
            data set.
        landmark_set: what the points are called; other labels are left out and named in the problems.
        mm_per_px: needed only for a list of 3D Slicer's that does not say its spacing.

    Returns:
        The films on which a point is marked, by name. In formats of one file a film, the annotator is called
        as the folder; in tables as the file, where no column says who it was.

    Raises:
        InputError: there is no such file, its format is not known, or it holds no point.
        AnnotationError: it is malformed; names the file and the line or the place in it.
    """
    path = Path(path)
    if not path.exists():
        raise InputError("there is no such file or folder", where=path)
    if looks_like_isbi(path):
        return _of_isbi(path, landmark_set)
    builder = DatasetBuilder(root=path if path.is_dir() else path.parent, landmark_set=landmark_set)
    nameless: set[Path] = set()
    spacing = (mm_per_px, mm_per_px) if isinstance(mm_per_px, int | float) else mm_per_px
    for file, document in _one_kind(path):
        _add(file, document, builder, nameless, spacing)
    films = builder.gather()
    if not films:
        remedy = "; ".join(builder.problems[:2]) or None
        raise InputError("holds no marked point", where=path, remedy=remedy)
    found = []
    for film in films:
        marks = {name: at for name, at in film.annotations.items() if np.isfinite(at).any()}
        named = None if film.path in nameless else film.path
        problems = _problems_of(film.film_id, builder.problems)
        found.append(MarkedFilm(film.film_id, named, film.size_px, marks, film.mm_per_px, problems))
    return tuple(found)


def _add(
    file: Path,
    document: JsonObject | None,
    builder: DatasetBuilder,
    nameless: set[Path],
    mm_per_px: tuple[float, float] | None,
) -> None:
    """Add the points of one file; films that it does not name itself go to ``nameless``."""
    folder = file.resolve().parent.name
    annotator = folder.removeprefix("labelme_").removeprefix("400_") or file.stem
    kind = _kind(file, document)
    if document is None and kind == "csv":
        csv_table.add_file(file, builder)
    elif document is None:
        film = file.with_suffix("")
        nameless.add(film)
        builder.add_film(film, annotator=annotator, where=file)
        at = read_points(file, n_landmarks=len(builder.landmark_set))
        for number, (x_px, y_px) in enumerate(at.tolist(), start=1):
            builder.add_mark(film, annotator, number, x_px, y_px)
    elif kind == "coco":
        coco.add_file(document, builder)
    elif kind == "labelme":
        labelme.add_file(document, annotator, builder)
    elif kind == "slicer":
        slicer.add_file(document, annotator, builder, mm_per_px=mm_per_px)
        nameless.add(slicer.film_of(file))
    else:
        prediction_file.add_file(document, annotator, builder)


def _one_kind(path: Path) -> list[tuple[Path, JsonObject | None]]:
    """The files of points at a path, which are all of one format, JSON files with what is in them."""
    files = [path]
    if path.is_dir():
        folders = [folder for folder in sorted(path.glob("labelme_*")) if folder.is_dir()] or [path]
        files = [file for folder in folders for file in sorted(folder.glob("[!.]*")) if _may_be(file)]
        if not files:
            raise InputError("holds no file of points", where=path, remedy=_KNOWN)
    read = [(file, JsonObject.read(file) if file.suffix.lower() == ".json" else None) for file in files]
    kinds = list(dict.fromkeys(_kind(file, document) for file, document in read))
    if len(kinds) > 1:
        raise InputError(
            f"holds points in several formats: {', '.join(kinds)}",
            where=path,
            remedy="give one of the files, or a folder with files of one format",
        )
    return read


def _may_be(file: Path) -> bool:
    return file.is_file() and file.suffix.lower() in _SUFFIXES and file.name != DUPLICATES


def _kind(file: Path, document: JsonObject | None) -> str:
    """Which format a file has, "prediction", "slicer", "labelme", "coco", "csv" or "text"."""
    content: dict[str, Any] = {} if document is None else document.content
    if content.get("schema") in prediction_file.SCHEMAS:
        return "prediction"
    if "markups" in content:
        return "slicer"
    if {"shapes", "imagePath"} <= set(content):
        return "labelme"
    if {"images", "annotations", "categories"} <= set(content):
        return "coco"
    if document is None and file.suffix.lower() in (".csv", ".txt"):
        return {".csv": "csv", ".txt": "text"}[file.suffix.lower()]
    raise AnnotationError("is no file of points", where=file, remedy=_KNOWN)


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
        line.removeprefix(own) for line in problems if line.startswith(own) or not line.startswith("film ")
    )
