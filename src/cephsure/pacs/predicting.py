"""From a stored film to its results, in a process of its own: what does harm ends that one at most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from cephsure.pacs.store import ResultObject
from cephsure.review.child import Child, LostError
from cephsure.review.model_process import QuietModel
from cephsure.workflows.dicom_objects import file_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from cephsure.cephalometry.reviewed_film import ReviewedFilm
    from cephsure.inference.session import Device
    from cephsure.pacs.ledger import Kind

PREDICTING_SECONDS = 180.0
"""What a film may take, a slow machine's networks included."""


class StoppedError(Exception):
    """The process was ended because the service stops; the film is not at fault."""


class FilmPredictor(Protocol):
    """Makes a film's results."""

    def results(self, film: Path) -> Sequence[ResultObject]:
        """Make them; `InputError` where the film is at fault, `LostError` where its process ended."""
        ...

    def end(self) -> None:
        """End what was started."""
        ...


class ModelPredictor:
    """A model in a process of its own."""

    def __init__(self, model: str, device: Device, *, mm_per_px: float | None = None) -> None:
        self._child = Child(QuietModel, model, device, name="cephsure-dicom-model")
        self._mm_per_px = mm_per_px
        self._is_ended = False

    def results(self, film: Path) -> Sequence[ResultObject]:
        """Find the film's landmarks, and make the objects that say so."""
        job = PredictStored(film, self._mm_per_px)
        try:
            made: Sequence[ResultObject] = self._child.do(job, seconds=PREDICTING_SECONDS)
        except LostError as error:
            if self._is_ended:
                raise StoppedError from error
            raise
        return made

    def end(self) -> None:
        """End the process."""
        self._is_ended = True
        self._child.end()


@dataclass(frozen=True, slots=True)
class PredictStored:
    """The job of making a stored film's results."""

    film: Path
    mm_per_px: float | None = None

    def run(self, desk: QuietModel, _tell: Callable[[str, int, int], None]) -> list[ResultObject]:
        """Do it."""
        from cephsure import films
        from cephsure.cephalometry.reviewed_film import ReviewedFilm

        content = self.film.read_bytes()
        prediction = desk.model.predict(films.read(content, mm_per_px=self.mm_per_px))
        return make_objects(ReviewedFilm.of(prediction, desk.model.landmark_set), content)


def make_objects(film: ReviewedFilm, content: bytes) -> list[ResultObject]:
    """The structured report and the presentation state of a film, as DICOM files."""
    from cephsure.dicom.presentation_state import make_gsps
    from cephsure.dicom.source import SourceObject
    from cephsure.dicom.structured_report import make_sr

    source = SourceObject.of(content)
    report = make_sr(film, source, analysis=film.analysis())
    made: dict[Kind, Any] = {"sr": report, "gsps": make_gsps(film, source)}
    return [ResultObject(kind, str(each.SOPInstanceUID), file_bytes(each)) for kind, each in made.items()]
