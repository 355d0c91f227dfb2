"""A film's results as objects of DICOM, in the study of its own object: which there are, writing them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cephsure.atomic import write_atomically
from cephsure.errors import FilmError
from cephsure.workflows.batch import check_installed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

    from cephsure.cephalometry import Analysis
    from cephsure.cephalometry.reviewed_film import ReviewedFilm
    from cephsure.dicom.source import SourceObject
    from cephsure.films import Film

DICOM_FORMATS = {
    "dicom-sr": ".sr.dcm",
    "dicom-gsps": ".gsps.dcm",
    "dicom-sc": ".sc.dcm",
    "fhir": ".fhir.json",
}
"""Formats of --format that are DICOM objects, or made of one, and what follows a film's stem in names."""


def wants_dicom(formats: Collection[str]) -> bool:
    """Whether objects of DICOM, or what is made of one, are among some formats."""
    return not DICOM_FORMATS.keys().isdisjoint(formats)


def check_dicom(formats: Collection[str]) -> None:
    """Refuse formats whose packages are not installed, before any work is done.

    Raises:
        InputError: highdicom is missing.
    """
    if wants_dicom(formats):
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
    if not wants_dicom(formats):
        return []
    written = []
    try:
        source = source_of(film)
        # A presentation state comes last: a film that is no object of DICOM has none, but all the others.
        for group in (("dicom-sr", "fhir"), ("dicom-sc",), ("dicom-gsps",)):
            wanted = [name for name in group if name in formats]
            made = dicom_contents(wanted, reviewed, source, analysis, pixels=lambda: film.pixels)
            for name, content in made.items():
                written.append(write_atomically(folder / f"{stem}{DICOM_FORMATS[name]}", content))
    except FilmError as error:
        where = error.where or film.path or "film"
        raise FilmError(error.what, where=where, remedy=error.remedy) from error
    return written


def dicom_contents(
    formats: Collection[str],
    reviewed: ReviewedFilm,
    source: SourceObject,
    analysis: Analysis | None,
    *,
    pixels: Callable[[], NDArray[np.float32]],
) -> dict[str, bytes]:
    """The bytes of each format's file; report and bundle are made of one report.

    Args:
        formats: keys of ``DICOM_FORMATS``.
        reviewed: the film's points as they stand.
        source: what its file says of patient and study.
        analysis: its measurements.
        pixels: gives the film's (H, W); asked only for a picture.

    Raises:
        InputError: the film is of no use for a format.
    """
    made: dict[str, bytes] = {}
    if {"dicom-sr", "fhir"} & set(formats):
        from cephsure.dicom.structured_report import make_sr

        report = make_sr(reviewed, source, analysis=analysis)
        made = {"dicom-sr": file_bytes(report)} if "dicom-sr" in formats else {}
        made |= {"fhir": _fhir(report)} if "fhir" in formats else {}
    if "dicom-gsps" in formats:
        from cephsure.dicom.presentation_state import make_gsps

        made["dicom-gsps"] = file_bytes(make_gsps(reviewed, source))
    if "dicom-sc" in formats:
        made["dicom-sc"] = file_bytes(_picture(pixels(), reviewed, source, analysis))
    return made


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


def _fhir(report: Dataset) -> bytes:
    import json

    from cephsure.dicom.fhir import make_fhir

    return f"{json.dumps(make_fhir(report), ensure_ascii=False, indent=1, allow_nan=False)}\n".encode()


def _picture(
    pixels: NDArray[np.float32], reviewed: ReviewedFilm, source: SourceObject, analysis: Analysis | None
) -> Dataset:
    """The measured lines where it was measured, else the landmarks with their regions."""
    import numpy as np

    from cephsure.dicom.secondary_capture import make_sc
    from cephsure.reports.measurement_overlay import draw_measurement_overlay
    from cephsure.reports.overlay import draw_overlay

    if analysis is None:
        drawn = draw_overlay(pixels, reviewed.prediction)
    else:
        drawn = draw_measurement_overlay(pixels, analysis)
    return make_sc(np.asarray(drawn.convert("RGB")), source)


def file_bytes(written: Dataset) -> bytes:
    """A data set as a DICOM file."""
    from io import BytesIO

    buffer = BytesIO()
    written.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
