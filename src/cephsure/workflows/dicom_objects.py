"""A film's results as objects of DICOM, in the study of its own object: which there are, writing them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cephsure.atomic import write_atomically
from cephsure.errors import FilmError
from cephsure.workflows.batch import check_installed

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from pydicom.dataset import Dataset

    from cephsure.cephalometry import Analysis
    from cephsure.cephalometry.reviewed_film import ReviewedFilm
    from cephsure.dicom.source import SourceObject
    from cephsure.films import Film

DICOM_FORMATS = {"dicom-sr": ".sr.dcm", "dicom-gsps": ".gsps.dcm", "dicom-sc": ".sc.dcm"}
"""Formats of --format that are DICOM objects, and what follows a film's stem in their names."""


def check_dicom(formats: Collection[str]) -> None:
    """Refuse formats whose packages are not installed, before any work is done.

    Raises:
        InputError: highdicom is missing.
    """
    if DICOM_FORMATS.keys() & set(formats):
        check_installed("a DICOM object", {"highdicom": "highdicom"}, extra="dicom")


def write_dicom_objects(
    film: Film,
    reviewed: ReviewedFilm,
    formats: Collection[str],
    folder: Path,
    *,
    stem: str,
    analysis: Analysis | None = None,
) -> list[Path]:
    """Write those of the formats that are objects of DICOM; the others are passed over.

    Args:
        film: as it was read; patient and study are those of its file.
        reviewed: its points as they stand.
        formats: keys of ``DICOM_FORMATS``, and others.
        folder: where.
        stem: of the files' names.
        analysis: its measurements, for the report and the picture.

    Raises:
        InputError: the film's file has changed, or is of no use for a format.
    """
    wanted = [name for name in formats if name in DICOM_FORMATS]
    if not wanted:
        return []
    try:
        source = source_of(film)
        made = [(name, _object(name, film, reviewed, source, analysis)) for name in wanted]
    except FilmError as error:
        where = error.where or film.path or "film"
        raise FilmError(error.what, where=where, remedy=error.remedy) from error
    return [_write(folder / f"{stem}{DICOM_FORMATS[name]}", written) for name, written in made]


def source_of(film: Film) -> SourceObject:
    """What a film's file says of patient and study.

    Raises:
        FilmError: the file is another by now, or none that others can refer to.
    """
    from cephsure.dicom.source import SourceObject

    if film.path is None or not film.path.is_file():
        return SourceObject.made_up(film.sha256 or hashlib.sha256(film.pixels.tobytes()).hexdigest())
    data = film.path.read_bytes()
    if film.sha256 not in (None, hashlib.sha256(data).hexdigest()):
        raise FilmError("was changed while it was worked on", where=film.path)
    return SourceObject.of(data)


def _object(
    name: str, film: Film, reviewed: ReviewedFilm, source: SourceObject, analysis: Analysis | None
) -> Dataset:
    if name == "dicom-sr":
        from cephsure.dicom.structured_report import make_sr

        return make_sr(reviewed, source, analysis=analysis)
    if name == "dicom-gsps":
        from cephsure.dicom.presentation_state import make_gsps

        return make_gsps(reviewed, source)
    return _picture(film, reviewed, source, analysis)


def _picture(film: Film, reviewed: ReviewedFilm, source: SourceObject, analysis: Analysis | None) -> Dataset:
    """The measured lines where it was measured, else the landmarks with their regions."""
    import numpy as np

    from cephsure.dicom.secondary_capture import make_sc
    from cephsure.reports.measurement_overlay import draw_measurement_overlay
    from cephsure.reports.overlay import draw_overlay

    if analysis is None:
        drawn = draw_overlay(film.pixels, reviewed.prediction)
    else:
        drawn = draw_measurement_overlay(film.pixels, analysis)
    return make_sc(np.asarray(drawn.convert("RGB")), source)


def _write(path: Path, written: Dataset) -> Path:
    from io import BytesIO

    buffer = BytesIO()
    written.save_as(buffer, enforce_file_format=True)
    return write_atomically(path, buffer.getvalue())
