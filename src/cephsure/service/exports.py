"""A reviewed film in the formats of other programs: the points as people left them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cephsure.errors import FilmError
from cephsure.exports import EXPORTERS
from cephsure.exports.csv_cells import number, word
from cephsure.exports.film_points import FilmPoints
from cephsure.exports.output_files import readable_json
from cephsure.exports.point_files import WRITERS
from cephsure.review.film_report import MakeReport
from cephsure.service.dicom_object import MakeDicomObject
from cephsure.workflows.dicom_objects import DICOM_FORMATS, check_dicom
from cephsure.workflows.report import ReportFormat, ReportOptions, check_pdf

if TYPE_CHECKING:
    from collections.abc import Callable

    from cephsure.cephalometry.reviewed_film import ReviewedFilm, SettledPoint
    from cephsure.review.pictures import Pictures
    from cephsure.workflows.reviewed_films import ProjectFilm

JSON, CSV, TEXT = "application/json", "text/csv; charset=utf-8", "text/plain; charset=utf-8"
HTML, FHIR = "text/html; charset=utf-8", "application/fhir+json"
SCHEMA = "cephsure.reviewed-film/1"
_POINT_FORMATS = {
    "labelme": JSON,
    "coco": JSON,
    "slicer": JSON,
    "cvat": "application/xml",
    "label-studio": JSON,
    "tps": TEXT,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of an export.

    Attributes:
        pictures: the processes that read films' files, for formats that need them.
        analysis: names of analyses, where measurements are asked for.
    """

    project_film: ProjectFilm
    pictures: Pictures
    analysis: str = "isbi"

    @property
    def film(self) -> ReviewedFilm:
        """The points as they stand."""
        return self.project_film.reviewed

    @property
    def name(self) -> str:
        """The film's, without its folder."""
        return self.project_film.name


@dataclass(frozen=True, slots=True)
class Export:
    """A format: what it is, its type, what its files end with, and how one is made."""

    title: str
    media_type: str
    suffix: str
    make: Callable[[Asked], bytes]


def reviewed_json(asked: Asked) -> bytes:
    """The points as they stand with who decided them, and the prediction that they were made from."""
    film = asked.film
    document = {
        "schema": SCHEMA,
        "film": {**film.film.model_dump(mode="json"), "path": asked.name},
        "is_complete": film.is_complete,
        "observer": film.observer,
        "decided_at": film.decided_at,
        "points_from": film.points_from,
        "points": [_point(point, film) for point in film.points],
        "verdict": film.prediction.verdict,
        "why": film.prediction.why,
        "model": film.prediction.model.model_dump(mode="json"),
        "disclaimer": film.prediction.disclaimer,
    }
    return readable_json(document).encode()


def reviewed_csv(asked: Asked) -> bytes:
    """The points as they stand, a row each."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("film", "number", "code", "name", "x_px", "y_px", "x_mm", "y_mm", "origin", "who"))
    for point in asked.film.points:
        row = _point(point, asked.film)
        places = (number(row[key], form=".10g") for key in ("x_px", "y_px", "x_mm", "y_mm"))
        names = (word(asked.name), point.number, word(point.code), word(point.name))
        rows.writerow((*names, *places, point.origin, word(point.who)))
    return text.getvalue().encode()


def analysis_json(asked: Asked) -> bytes:
    """The measurements of the points as they stand, cephsure.analysis/2."""
    document = asked.film.analysis(asked.analysis).document()
    document["film"]["path"] = asked.name
    return readable_json(document).encode()


def _point(point: SettledPoint, film: ReviewedFilm) -> dict[str, Any]:
    x_px, y_px = point.x_px, point.y_px
    x_mm_per_px, y_mm_per_px = film.mm_per_px or (None, None)
    return {
        "number": point.number,
        "code": point.code,
        "name": point.name,
        "x_px": x_px,
        "y_px": y_px,
        "x_mm": None if x_px is None or x_mm_per_px is None else x_px * x_mm_per_px,
        "y_mm": None if y_px is None or y_mm_per_px is None else y_px * y_mm_per_px,
        "origin": point.origin,
        "who": point.who,
    }


def _report(fmt: ReportFormat) -> Callable[[Asked], bytes]:
    """The report on a film, as the review page's button gives it."""

    def make(asked: Asked) -> bytes:
        if fmt == "pdf":
            check_pdf()
        options = ReportOptions(analysis=asked.analysis)
        options.definitions()  # complains of an analysis that there is not, before anything is read
        return _made(asked, MakeReport(asked.project_film, options, fmt))

    return make


def _dicom(fmt: str) -> Callable[[Asked], bytes]:
    """An object of DICOM, or a bundle made of one, with patient and study of the film's file."""

    def make(asked: Asked) -> bytes:
        check_dicom([fmt])
        ReportOptions(analysis=asked.analysis).definitions()
        return _made(asked, MakeDicomObject(asked.project_film, fmt, asked.analysis))

    return make


def _made(asked: Asked, job: MakeReport | MakeDicomObject) -> bytes:
    """What a process makes; where it cannot, the film is named by its number: its file may be a patient's."""
    try:
        return asked.pictures.report(job)
    except FilmError as error:
        raise FilmError(error.what, where=f"film {asked.project_film.film_id}") from error


def _of_points(fmt: str) -> Callable[[Asked], bytes]:
    """A format that holds points alone."""

    def make(asked: Asked) -> bytes:
        film = asked.film
        points = FilmPoints.marked(
            asked.name,
            film.points_px(),
            film.landmark_set,
            size_px=(film.film.width_px, film.film.height_px),
            mm_per_px=film.mm_per_px,
        )
        return WRITERS[fmt]([points], Path()).encode()

    return make


def _dicom_export(title: str, fmt: str) -> Export:
    return Export(title, "application/dicom", DICOM_FORMATS[fmt], _dicom(fmt))


EXPORTS: dict[str, Export] = {
    "json": Export(f"points with who decided them, {SCHEMA}", JSON, ".reviewed.json", reviewed_json),
    "csv": Export("the same, a row a point", CSV, ".csv", reviewed_csv),
    "analysis": Export("measurements, cephsure.analysis/2", JSON, ".analysis.json", analysis_json),
    "pdf": Export("a report for the patient's file", "application/pdf", ".report.pdf", _report("pdf")),
    "html": Export("the same as one page of HTML", HTML, ".report.html", _report("html")),
    "dicom-sr": _dicom_export("a DICOM structured report", "dicom-sr"),
    "dicom-gsps": _dicom_export("a DICOM presentation state", "dicom-gsps"),
    "dicom-sc": _dicom_export("the overlay as a DICOM secondary capture", "dicom-sc"),
    "fhir": Export("a FHIR R5 bundle", FHIR, DICOM_FORMATS["fhir"], _dicom("fhir")),
    **{
        fmt: Export(EXPORTERS[fmt].title, media_type, EXPORTERS[fmt].suffix, _of_points(fmt))
        for fmt, media_type in _POINT_FORMATS.items()
    },
}
