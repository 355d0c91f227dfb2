"""What the process with the model does: one film, answered in the words of the command line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.errors import FilmError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cephsure.films import Film
    from cephsure.review.model_process import QuietModel
    from cephsure.workflows.batch import Batch
    from cephsure.workflows.measure import AnalyzeOptions
    from cephsure.workflows.predict import PredictOptions

    Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class FilmContent:
    """A film that was sent, or read for whoever named it.

    Attributes:
        path: as the request named it; None where it sent the film.
    """

    content: bytes
    path: str | None = None

    def read(self, mm_per_px: float | None) -> Film:
        """The film; `FilmError` where it cannot be read."""
        from cephsure import films

        place = None if self.path is None else Path(self.path)
        try:
            film = films.read(self.content, mm_per_px=mm_per_px)
        except FilmError as error:
            raise FilmError(error.what, where=place, remedy=error.remedy) from None
        return film if place is None else replace(film, path=place)


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a film: the document, and the film's verdict in it."""

    text: str
    verdict: str | None


@dataclass(frozen=True, slots=True)
class WarmUp:
    """The job of loading the model and computing with it once: the first film is as quick as others then."""

    def run(self, desk: QuietModel, _tell: Tell) -> None:
        """Do it."""
        from cephsure.films import Film

        ramp = np.add.outer(np.linspace(0, 0.5, 240), np.linspace(0, 0.5, 200))
        desk.model.predict(Film(ramp.astype(np.float32)))


@dataclass(frozen=True, slots=True)
class PredictContent:
    """The job of finding a film's landmarks."""

    film: FilmContent
    options: PredictOptions

    def run(self, desk: QuietModel, _tell: Tell) -> Found:
        """What ``cephsure predict --json -`` prints."""
        from cephsure.exports.registry import render_many
        from cephsure.workflows.predict import predict_films

        film = self.film.read(self.options.mm_per_px)
        found = _only(predict_films([film], desk.model, options=self.options))
        return Found(render_many([found], "json", Path()), found.verdict)


@dataclass(frozen=True, slots=True)
class AnalyzeContent:
    """The job of measuring a film."""

    film: FilmContent
    options: AnalyzeOptions

    def run(self, desk: QuietModel, _tell: Tell) -> Found:
        """What ``cephsure analyze --json -`` prints."""
        from cephsure.workflows.measure import analyze, render_analyses

        self.options.definitions()  # complains of an analysis that there is not before the film is read
        film = self.film.read(self.options.predict.mm_per_px)
        found = _only(analyze([film], desk.model, options=self.options))
        verdict = None if found.prediction is None else found.prediction.verdict
        return Found(render_analyses([found.analysis], "json", Path()), verdict)


def _only(batch: Batch[Any]) -> Any:
    """What came of the one film; its error is raised."""
    for error in batch.errors.values():
        raise error
    return batch.results[0]
