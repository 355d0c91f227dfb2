"""A reviewed film as a DICOM structured report, made in a process that reads films."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cephsure.errors import FilmError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cephsure.workflows.reviewed_films import ProjectFilm


@dataclass(frozen=True, slots=True)
class MakeStructuredReport:
    """The job of making one; ``analysis`` says what is measured."""

    film: ProjectFilm
    analysis: str

    def run(self, _desk: object, _tell: Callable[[str, int, int], None]) -> bytes:
        """Make it; `FilmError` where the film's file is gone, another by now, or cannot be read."""
        from hashlib import sha256

        from cephsure.dicom.source import SourceObject
        from cephsure.dicom.structured_report import make_sr
        from cephsure.text_files import read_bytes

        if self.film.path is None:
            raise FilmError("is not found any more", where=self.film.name, remedy="put it where it was")
        content = read_bytes(self.film.path, kind=FilmError)
        if sha256(content).hexdigest() != self.film.sha256:
            raise FilmError("is not the film that was predicted any more", where=self.film.path)
        reviewed = self.film.reviewed
        source = SourceObject.of(content, sha256=self.film.sha256)
        written = io.BytesIO()
        made = make_sr(reviewed, source, analysis=reviewed.analysis(self.analysis))
        made.save_as(written, enforce_file_format=True)
        return written.getvalue()
