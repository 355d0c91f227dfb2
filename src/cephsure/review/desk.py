"""The desk that all requests come to: the project, the processes beside it, and what is kept of each film."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.cephalometry import shipped_analyses
from cephsure.cephalometry.film_measurer import FilmMeasurer
from cephsure.errors import InputError
from cephsure.exports.prediction_json import of_document
from cephsure.projects.finding import find_films
from cephsure.review.bulletin import Bulletin
from cephsure.review.details import Details, details_path
from cephsure.review.pictures import Pictures
from cephsure.review.predictor import Predictor, ReaderInUse
from cephsure.review.watching import regions_of_text
from cephsure.text_files import is_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.projects import FilmView, Project, QueueRow
    from cephsure.review.model_facts import ModelFacts
    from cephsure.uncertainty.prediction import Region

CACHE = "cache"
READERS = "readers"
_KEPT_FILMS = 64


@dataclass(frozen=True, slots=True)
class OpenFilm:
    """A film as requests about it need it, as long as nothing of it changes.

    Attributes:
        change: the bulletin's number of the film's last change when it was opened.
        document: the newest prediction's, None where there is none.
        mm_per_px: the scale along x and y that holds now.
        scale_source: where that comes from.
    """

    change: int
    view: FilmView
    document: dict[str, Any] | None
    measurer: FilmMeasurer
    mm_per_px: tuple[float, float] | None
    scale_source: str

    @property
    def accepted(self) -> frozenset[int]:
        """Numbers of the points that a person accepted as they were predicted."""
        return frozenset(point.landmark for point in self.view.points if point.value.state == "accepted")

    def points_px(self) -> NDArray[np.float64]:
        """(L, 2) the points as they stand: people's where there are, else predicted; NaN where missing."""
        count = len(self.measurer.landmark_set)
        predicted = self.measurer.prediction
        points = np.full((count, 2), np.nan) if predicted is None else predicted.points_px.copy()
        for point in self.view.points:
            value = point.value
            if value.state == "missing":
                points[point.landmark - 1] = np.nan
            elif value.x_px is not None and value.y_px is not None:
                points[point.landmark - 1] = value.x_px, value.y_px
        return points


class Desk:
    """What the server works with.

    Attributes:
        project: the store.
        facts: of the model.
        predictor: keeps predictions ahead.
        pictures: reads films.
        bulletin: tells what changed.
    """

    def __init__(self, project: Project, facts: ModelFacts, *, mm_per_px: float | None = None) -> None:
        self.project, self.facts = project, facts
        self.folder = project.path.parent
        self.bulletin = Bulletin()
        self.pictures = Pictures(self.folder / CACHE)
        self.predictor = Predictor(
            project,
            facts.given,
            model_sha256=facts.bundle.sha256,
            cache=self.folder / CACHE,
            bulletin=self.bulletin,
            mm_per_px=mm_per_px,
            reader=ReaderInUse.of(self.reader_asked),
        )
        self._open: OrderedDict[int, OpenFilm] = OrderedDict()
        self._lock = threading.Lock()
        self._queue: tuple[int, list[QueueRow]] | None = None
        self._regions: dict[int, dict[int, Region]] = {}
        self._features: dict[int, tuple[int, NDArray[np.float64] | None]] = {}

    def start(self) -> None:
        """Begin to predict, and have at hand what the page asks for first."""
        self._find_moved()
        self.predictor.start()
        self.predictor.want_stale()
        shipped_analyses()
        self.reader_words()
        if rows := self.queue():
            self.pictures.read_ahead(self.film(rows[0].film_id).view.film)

    def _find_moved(self) -> None:
        """Look for films that are not where they were seen last; what is nowhere is said film by film."""
        films = {film.film_id: film for film in self.project.films()}
        if all(is_file(film.path) for film in films.values()):
            return
        for film_id, path in find_films(films.values(), self.project.path).items():
            if path != films[film_id].path:
                self.project.set_film_path(film_id, path)

    def close(self) -> None:
        """End the processes and close the project."""
        self.bulletin.close()
        self.predictor.end()
        self.pictures.end()
        self.project.close()

    @property
    def reader_asked(self) -> Path | str | None:
        """Whose marks are foretold, by the settings: a name, or a file in the project or elsewhere."""
        return reader_asked(self.project)

    def reader_words(self) -> dict[str, str] | None:
        """The reader's name and for whom predictions are; None from a model that knows none."""
        try:
            reader = self.facts.reader(self.reader_asked)
        except InputError as error:
            return {"name": str(self.reader_asked), "for_whom": str(error)}
        return None if reader is None else {"name": reader.name, "for_whom": reader.for_whom}

    def use_reader(self, asked: str | None) -> int:
        """Foretell another reader's marks; how many films are predicted again."""
        self.project.change_settings(reader=asked)
        count = self.predictor.use(ReaderInUse.of(self.reader_asked))
        self.bulletin.post()
        return count

    def film(self, film_id: int) -> OpenFilm:
        """A film; its prediction is parsed once as long as nothing changes.

        Raises:
            NoSuchFilm: there is none of this number.
        """
        change = self.bulletin.number_of(film_id)
        with self._lock:
            found = self._open.get(film_id)
            if found is not None and found.change == change:
                self._open.move_to_end(film_id)
                return found
        opened = self._opened(film_id, change)
        with self._lock:
            self._open[film_id] = opened
            if len(self._open) > _KEPT_FILMS:
                self._open.popitem(last=False)
        return opened

    def _opened(self, film_id: int, change: int) -> OpenFilm:
        view = self.project.film(film_id)
        document = prediction = None
        if view.prediction is not None:
            document = json.loads(view.prediction.document)
            prediction = of_document(document, where=self.project.path)
        mm_per_px, source = None if prediction is None else prediction.film.mm_per_px, "none"
        if prediction is not None:
            source = prediction.film.spacing_source
        if view.review.ruler is not None:
            mm_per_px, source = (view.review.ruler.mm_per_px,) * 2, "ruler"
        measurer = FilmMeasurer(self.project.landmark_set, prediction, mm_per_px)
        return OpenFilm(change, view, document, measurer, mm_per_px, source)

    def queue(self) -> list[QueueRow]:
        """All films, the most doubtful first."""
        change = self.bulletin.last
        with self._lock:
            if self._queue is not None and self._queue[0] == change:
                return self._queue[1]
        rows = self.project.queue()
        with self._lock:
            self._queue = (change, rows)
        return rows

    def neighbours(self, film_id: int) -> tuple[int | None, int | None]:
        """The films before and after one in the queue."""
        order = [row.film_id for row in self.queue()]
        if film_id not in order:
            return None, None
        place = order.index(film_id)
        return (
            order[place - 1] if place else None,
            order[place + 1] if place + 1 < len(order) else None,
        )

    def region(self, film_id: int, prediction_id: int, number: int) -> Region | None:
        """A point's region of one prediction, that it was shown or that was withheld; None without one."""
        found = self._regions.get(prediction_id)
        if found is None:
            documents = {each.prediction_id: each.document for each in self.project.predictions(film_id)}
            found = regions_of_text(documents[prediction_id]) if prediction_id in documents else {}
            self._regions[prediction_id] = found
        return found.get(number)

    def features(self, film_ids: Iterable[int]) -> dict[int, NDArray[np.float64]]:
        """(C,) what the network makes of films, of those of which it is known."""
        found = {}
        for film_id in film_ids:
            change = self.bulletin.number_of(film_id)
            kept = self._features.get(film_id)
            if kept is None or kept[0] != change:
                prediction = self.project.film(film_id).prediction
                details = None if prediction is None else self.details(prediction.document)
                kept = change, None if details is None else details.features
                self._features[film_id] = kept
            if kept[1] is not None and len(kept[1]):
                found[film_id] = kept[1]
        return found

    def details(self, document: str) -> Details | None:
        """What lies behind a prediction; None where it is not there any more."""
        return Details.read(details_path(self.folder / CACHE, document))


def reader_asked(project: Project) -> Path | str | None:
    """Whose marks a project's settings ask for: a name, or a file in the project or elsewhere."""
    asked = project.settings.get("reader")
    if not isinstance(asked, str):
        return None
    inside = project.path.parent / asked
    return inside if inside.is_file() else asked
