"""The report on a film, to be kept with the patient's file."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from fastapi import APIRouter, Response

from cephsure.exports.output_files import film_stem, shortened
from cephsure.review.film_report import MEDIA_TYPES, MakeReport, usual_format
from cephsure.workflows.report import ReportFormat, ReportOptions, check_pdf
from cephsure.workflows.reviewed_films import ProjectFilm, reviewed_film

if TYPE_CHECKING:
    from cephsure.review.desk import Desk


def report_routes(desk: Desk) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1/films")

    @routes.get("/{film_id}/report")
    def report(film_id: int, format: ReportFormat | None = None, analysis: str = "isbi") -> Response:  # noqa: A002 - as it is asked for
        if format == "pdf":
            check_pdf()
        options, fmt = ReportOptions(analysis=analysis), format or usual_format()
        options.definitions()
        view = desk.film(film_id).view
        film = view.film
        reviewed = reviewed_film(desk.project, view)
        found = ProjectFilm(film_id, film.name, film.sha256, film.path, reviewed)
        content = desk.pictures.report(MakeReport(found, options, fmt))
        name = f"{shortened(film_stem(film.name))}.report.{fmt}"
        headers = {
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
            "Cache-Control": "no-store",
        }
        return Response(content, media_type=MEDIA_TYPES[fmt], headers=headers)

    return routes
