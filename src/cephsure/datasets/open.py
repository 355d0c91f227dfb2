"""Opens a data set of any known layout: the table of formats."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from cephsure.datasets.aariz import AARIZ, aariz_folders
from cephsure.datasets.annotated_film import misfit, outside
from cephsure.datasets.cl_detection import CL_DETECTION
from cephsure.datasets.coco import COCO
from cephsure.datasets.csv_table import CSV
from cephsure.datasets.cvat import CVAT
from cephsure.datasets.dicom_sr import DICOM_SR
from cephsure.datasets.film_files import film_size
from cephsure.datasets.isbi import looks_like_isbi, read_isbi
from cephsure.datasets.label_file import label_files, read_format
from cephsure.datasets.label_studio import LABEL_STUDIO
from cephsure.datasets.labelme import LABELME
from cephsure.datasets.point_text import TEXT
from cephsure.datasets.pose_csv import DEEPLABCUT, SLEAP
from cephsure.datasets.prediction_file import PREDICTION
from cephsure.datasets.project import read_project
from cephsure.datasets.slicer import SLICER
from cephsure.datasets.tps import TPS
from cephsure.datasets.via import VIA
from cephsure.errors import InputError
from cephsure.films import Spacing, SpacingSource
from cephsure.landmarks import LabelKind, LandmarkSet, load_landmark_set
from cephsure.projects import is_project
from cephsure.text_files import is_folder, is_there

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.datasets.annotated_film import AnnotatedFilm, Dataset
    from cephsure.datasets.label_file import LabelFile, LabelFormat

DatasetFormat = Literal[
    "auto",
    "isbi",
    "labelme",
    "coco",
    "csv",
    "cvat",
    "label-studio",
    "via",
    "slicer",
    "deeplabcut",
    "sleap",
    "tps",
    "dicom-sr",
    "aariz",
    "cl-detection",
    "text",
    "project",
]

FORMATS: dict[str, LabelFormat] = {
    one.name: one
    for one in (
        *(
            LABELME,
            COCO,
            CVAT,
            LABEL_STUDIO,
            VIA,
            SLICER,
            DEEPLABCUT,
            SLEAP,
            TPS,
            DICOM_SR,
            AARIZ,
            CL_DETECTION,
        ),
        *(PREDICTION, CSV, TEXT),
    )
}
"""Formats of label files, those with more signs of their own first."""

_SUFFIXES = tuple(dict.fromkeys(suffix for one in FORMATS.values() for suffix in one.suffixes))
_HDF5 = "export the points as CSV"
_SHEETS = "save the sheet as .xlsx or CSV"
_NOT_READ = {
    **dict.fromkeys((".h5", ".hdf5", ".slp", ".nwb", ".mat", ".pkl"), _HDF5),
    **dict.fromkeys((".xls", ".xlsm", ".xlsb", ".ods", ".numbers"), _SHEETS),
    **dict.fromkeys((".zip", ".7z", ".rar", ".gz", ".tar"), "unpack it first"),
    ".pts": "write a line x,y a landmark into a .txt file, or a table",
}
"""Files that hold labels often and are not read, and what to do instead."""
_LOOKED_AT = 8
_KNOWN = (
    "known: ISBI 2015 (RawImage, AnnotationsByMD), Aariz, CL-Detection; labelme, COCO key points, CVAT, "
    "Label Studio, VIA, 3D Slicer, DeepLabCut, SLEAP, tpsDig, tables (CSV, xlsx), text files of x,y lines"
)


def open_dataset(
    path: str | Path,
    *,
    format: DatasetFormat = "auto",  # noqa: A002 - named as the command's option is
    landmark_set: LandmarkSet | str | Path | None = None,
    mm_per_px: float | tuple[float, float] | None = None,
    images: str | Path | None = None,
    labels: LabelKind = "auto",
) -> Dataset:
    """Read a data set, without the films that cannot be those that were annotated.

    Args:
        path: its folder, a label file, or a project of ``cephsure review``.
        format: its layout; "auto" finds it out.
        landmark_set: a landmark set, the name of a shipped one or a TOML file; "isbi-19" if None, or
            a project's own.
        mm_per_px: the scale of all films, one number or one for x and one for y. It goes before what the data
            set states (0.1 for isbi).
        images: a folder where films are looked for, where they do not lie where the label files say.
        labels: how a label is read that is a landmark's name and another one's number (L1): by what the other
            labels are, as "names" or as "numbers".

    Raises:
        InputError: there is no such path, the layout is unknown, the scale is not a positive number, labels
            are unclear or most of them unknown, or no film fits its annotation.
        AnnotationError: the annotation files are malformed; names file and line.
    """
    path = Path(path)
    if not is_there(path):
        raise InputError("there is no such file or folder", where=path)
    own = landmark_set is None
    if not isinstance(landmark_set, LandmarkSet):
        landmark_set = load_landmark_set(landmark_set or "isbi-19")
    spacing = None if mm_per_px is None else _spacing(mm_per_px)
    images = None if images is None else Path(images)
    layout = find_format(path) if format == "auto" else format
    if layout == "project":
        chosen = None if own else landmark_set
        dataset = read_project(path, landmark_set=chosen, spacing=spacing, images=images)
        return without_misfits(dataset, where=path)
    if layout == "isbi":
        return without_misfits(read_isbi(path, landmark_set=landmark_set, spacing=spacing), where=path)
    if layout not in FORMATS:
        known = ", ".join(get_args(DatasetFormat))
        raise InputError(f"there is no data set format {layout!r}", remedy=f"known: {known}")
    dataset = read_format(
        FORMATS[layout],
        path,
        landmark_set=landmark_set,
        spacing=spacing,
        images=images,
        labels=labels,
    )
    return without_misfits(dataset, where=path)


def without_misfits(dataset: Dataset, *, where: Path) -> Dataset:
    """A data set without what its films' headers say cannot be: films that are not those that were annotated.

    Of the other films, points outside the film become missing. Both are named in ``problems``.

    Raises:
        InputError: no film is left.
    """
    kept, problems = [], []
    for film in dataset.films:
        size_px = film_size(film.path) if film.held is None else film.held.size_px()
        what = None if size_px is None else misfit(film, size_px)
        if what is not None:
            problems.append(f"film {film.film_id}: {what}; left out")
        elif size_px is None:
            kept.append(film)
        else:
            film, lost = _points_inside(film, size_px, dataset.landmark_set.codes)  # noqa: PLW2901
            kept.append(film)
            problems += lost
    if not kept:
        more = f"; and {len(problems) - 1} more films" if len(problems) > 1 else ""
        raise InputError(
            "no film here is the one that was annotated", where=where, remedy=f"{problems[0]}{more}"
        )
    return replace(dataset, films=tuple(kept), problems=(*dataset.problems, *problems))


def _points_inside(
    film: AnnotatedFilm, size_px: tuple[int, int], codes: Sequence[str]
) -> tuple[AnnotatedFilm, list[str]]:
    """A film without the points that lie outside it, and what to say of them."""
    annotations, lost = dict(film.annotations), []
    for annotator, points in film.annotations.items():
        beyond = outside(points, size_px)
        if beyond.any():
            annotations[annotator] = np.where(beyond[:, None], np.nan, points)
            names = ", ".join(code for code, off in zip(codes, beyond, strict=True) if off)
            lost.append(f"film {film.film_id}: {annotator}'s {names} outside the film; left missing")
    return replace(film, annotations=annotations) if lost else film, lost


def find_format(path: Path, *, thing: str = "data set of a known layout") -> str:
    """Find out a data set's layout, "project", "isbi" or a format of label files, from what lies in it.

    ``thing`` is what it should be, for the error.

    Raises:
        InputError: it is none of these, or label files of several formats lie there.
    """
    if is_project(path):
        return "project"
    if looks_like_isbi(path):
        return "isbi"
    if aariz_folders(path):
        return "aariz"
    files = list(label_files(path, _SUFFIXES)) if is_folder(path) else [next(label_files(path, _SUFFIXES))]
    found = dict.fromkeys(name for file in _some(files) if (name := format_of(file)) is not None)
    if len(found) == 1:
        return next(iter(found))
    if found:
        raise InputError(
            f"could be {' or '.join(sorted(found))}",
            where=path,
            remedy="say which by the format, or give the file",
        )
    # A table without known columns is told what it lacks.
    if files and all(file.suffix in CSV.suffixes for file in files):
        return CSV.name
    raise _unknown(path, files, thing)


def _unknown(path: Path, files: Sequence[LabelFile], thing: str) -> InputError:
    """Why nothing here is of a known format; `AnnotationError` where a file is no text or no JSON at all."""
    for file in files:
        if file.suffix == ".json":
            file.value  # noqa: B018
        elif file.suffix in _SUFFIXES and file.suffix not in DICOM_SR.suffixes:
            file.text  # noqa: B018
    for found in sorted(path.iterdir()) if is_folder(path) else [path]:
        if (remedy := _NOT_READ.get(found.suffix.lower())) is not None:
            return InputError(f"{found.suffix.lower()} files are not read", where=found, remedy=remedy)
    return InputError(f"{'holds' if is_folder(path) else 'is'} no {thing}", where=path, remedy=_KNOWN)


def format_of(file: LabelFile) -> str | None:
    """The format of a label file; None where it is of none."""
    found = next((name for name, one in FORMATS.items() if one.is_of(file)), None)
    file.forget()
    return found


def _some(files: list[LabelFile]) -> list[LabelFile]:
    """The first files of each suffix: a folder may hold thousands."""
    counts: dict[str, int] = {}
    chosen = []
    for file in files:
        counts[file.suffix] = counts.get(file.suffix, 0) + 1
        if counts[file.suffix] <= _LOOKED_AT:
            chosen.append(file)
    return chosen


def _spacing(mm_per_px: float | tuple[float, float]) -> Spacing:
    x, y = mm_per_px if isinstance(mm_per_px, tuple) else (mm_per_px, mm_per_px)
    if not (0.0 < x < math.inf and 0.0 < y < math.inf):
        raise InputError(f"mm per pixel must be a positive number, is {mm_per_px}")
    return Spacing(x_mm_per_px=float(x), y_mm_per_px=float(y), source=SpacingSource.USER)
