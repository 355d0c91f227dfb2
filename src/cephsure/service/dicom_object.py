"""A reviewed film as an object of DICOM or a bundle of FHIR, made in a process that reads films."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cephsure.errors import FilmError
from cephsure.workflows.dicom_objects import dicom_contents

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
        from hashlib import sha256

        from cephsure import films
        from cephsure.dicom.source import SourceObject
        from cephsure.text_files import read_bytes

        reviewed, content = self.film.reviewed, read_bytes(self.film.file, kind=FilmError)
        self.film.check_sha256(sha256(content).hexdigest())
        made = dicom_contents(
            [self.format],
            reviewed,
            SourceObject.of(content, sha256=self.film.sha256),
            reviewed.analysis(self.analysis),
            pixels=lambda: films.read(content).pixels,
        )
        return made[self.format]
