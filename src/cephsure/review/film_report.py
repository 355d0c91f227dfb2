"""The report on a film with its points as they stand, made in a process that reads films."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cephsure.workflows.report import ReportFormat, ReportOptions, check_pdf, film_of_project, report_document

if TYPE_CHECKING:
    from collections.abc import Callable

    from cephsure.workflows.reviewed_films import ProjectFilm

MEDIA_TYPES: dict[ReportFormat, str] = {"pdf": "application/pdf", "html": "text/html; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class MakeReport:
    """The job of making a report.

    Attributes:
        options: what is measured.
    """

    film: ProjectFilm
    options: ReportOptions
    format: ReportFormat

    def run(self, _desk: object, _tell: Callable[[str, int, int], None]) -> bytes:
        """Make it; `FilmError` where the film's file cannot be read."""
        film = film_of_project(self.film)
        definitions = self.options.definitions()
        return report_document(film, self.film.reviewed, definitions, self.format, name=self.film.name)


def usual_format() -> ReportFormat:
    """PDF where its package is installed, else HTML."""
    from cephsure.errors import InputError

    try:
        check_pdf()
    except InputError:
        return "html"
    return "pdf"
