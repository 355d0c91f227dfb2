"""A reviewed film as an object of DICOM or a bundle of FHIR, made in a process that reads films."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cephsure.workflows.dicom_objects import dicom_contents
from cephsure.workflows.report import film_of_project

if TYPE_CHECKING:
    from collections.abc import Callable

    from cephsure.workflows.reviewed_films import ProjectFilm


@dataclass(frozen=True, slots=True)
class MakeDicomObject:
    """The job of making one.

    Attributes:
        format: a key of ``workflows.dicom_objects.DICOM_FORMATS``.
        analysis: names of analyses, of what is measured.
    """

    film: ProjectFilm
    format: str
    analysis: str

    def run(self, _desk: object, _tell: Callable[[str, int, int], None]) -> bytes:
        """Make it; `FilmError` where the film's file is gone, another by now, or of no use for the format."""
        film, reviewed = film_of_project(self.film), self.film.reviewed
        made = dicom_contents([self.format], film, reviewed, reviewed.analysis(self.analysis))
        return made[self.format]
