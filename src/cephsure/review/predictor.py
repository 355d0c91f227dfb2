"""Predictions run ahead of whoever looks: first the film that is looked at, then the others in order."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cephsure.atomic import write_atomically
from cephsure.errors import BundleError, InputError, one_line
from cephsure.review.child import Child, FailedError, LostError
from cephsure.review.details import details_path
from cephsure.review.jobs import ModelDesk, PredictFilm
from cephsure.review.pictures import thumbnail_path
from cephsure.text_files import sha256_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from cephsure.projects import FilmRecord, FilmView, Project
    from cephsure.review.bulletin import Bulletin
    from cephsure.review.child import Job

logger = logging.getLogger(__name__)

PREDICTING_SECONDS = 180.0
"""What a film may take, a slow machine's networks included."""
MOST_LOSSES = 2
"""How often a film may end the process before it is set aside."""
SET_ASIDE = "set aside: it ended the process that reads films"
DEFINITION = "definition"


@dataclass(frozen=True, slots=True)
class ReaderInUse:
    """Whose marks are foretold.

    Attributes:
        asked: a name or a file; None for a reader of whom nothing is known.
        key: what the store keeps of it: the file's checksum, the name, or "definition".
    """

    asked: Path | str | None = None
    key: str = DEFINITION

    @classmethod
    def of(cls, asked: Path | str | None) -> ReaderInUse:
        """A reader by a name or a file; a file that is gone is named when a film is predicted."""
        if asked is None or asked == DEFINITION:
            return cls()
        try:
            return cls(asked, sha256_of(Path(asked)))
        except InputError:
            return cls(asked, str(asked))


@dataclass(slots=True)
class _Request:
    """A job that somebody waits for."""

    job: Job
    seconds: float
    answer: Future[Any]
    on_progress: Callable[[str, int, int], None] | None


class Predictor:
    """A thread that keeps the process with the model at work.

    Attributes:
        reader: whose marks are foretold.
        trouble: why no film can be predicted, in one line; None where they can.
    """

    def __init__(
        self,
        project: Project,
        model: str,
        *,
        model_sha256: str,
        cache: Path,
        bulletin: Bulletin,
        mm_per_px: float | None = None,
        reader: ReaderInUse | None = None,
        seconds: float = PREDICTING_SECONDS,
    ) -> None:
        self.project, self.model_sha256 = project, model_sha256
        self.reader, self.mm_per_px = reader or ReaderInUse(), mm_per_px
        self.trouble: str | None = None
        self.seconds = seconds
        self._cache, self._bulletin = cache, bulletin
        self._child = Child(ModelDesk, model, name="cephsure-model")
        self._wanted: dict[int, None] = {}
        self._looked_at: int | None = None
        self._at_work: int | None = None
        self._requests: list[_Request] = []
        self._losses: Counter[int] = Counter()
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="cephsure-predictor", daemon=True)

    @property
    def waiting(self) -> int:
        """How many films are still to be predicted."""
        return len(self._wanted)

    def start(self) -> None:
        """Begin; films are predicted that have no prediction, or one of another model or reader."""
        self._thread.start()

    def end(self) -> None:
        """End the process; what it was doing is lost, and done again next time."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._child.end()
        if self._thread.is_alive():
            self._thread.join()
        for request in self._requests:
            request.answer.cancel()

    def look_at(self, film_id: int) -> None:
        """Somebody looks at a film: it goes first."""
        with self._changed:
            self._looked_at = film_id

    def want(self, *film_ids: int) -> None:
        """Predict some films, whether they have a prediction or not."""
        with self._changed:
            self._wanted.update(dict.fromkeys(film_ids))
            self._changed.notify_all()

    def want_stale(self, among: Collection[int] | None = None) -> int:
        """Predict the films whose prediction is none of this model and reader; how many these are.

        A film that somebody worked on keeps what its points were marked by.

        Args:
            among: only these films; None for all.
        """
        films = [film for film in self.project.films() if among is None or film.film_id in among]
        stale = [film.film_id for film in films if self._is_stale(film)]
        self.want(*stale)
        return len(stale)

    def use(self, reader: ReaderInUse) -> int:
        """Foretell another reader's marks from now on; how many films are predicted again."""
        self.reader = reader
        return self.want_stale()

    def is_wanted(self, film_id: int) -> bool:
        """Whether a film waits to be predicted, or just is."""
        return film_id in self._wanted or film_id == self._at_work

    def do(
        self,
        job: Job,
        *,
        seconds: float | None = None,
        on_progress: Callable[[str, int, int], None] | None = None,
    ) -> Future[Any]:
        """Have a job done as soon as the film that is being predicted is."""
        request = _Request(job, seconds or self.seconds, Future(), on_progress)
        with self._changed:
            if self._ended:
                request.answer.cancel()
            else:
                self._requests.append(request)
            self._changed.notify_all()
        return request.answer

    def _is_stale(self, film: FilmRecord) -> bool:
        if film.unread is not None and film.unread.startswith(SET_ASIDE):
            return False
        view = self.project.film(film.film_id)
        if view.prediction is None:
            return True
        if view.points or view.state in ("reviewed", "referred"):
            return False
        wanted, given = self._scale_of(view), view.prediction.mm_per_px
        return (
            view.prediction.model_sha256 != self.model_sha256
            or view.prediction.reader_sha256 != self.reader.key
            or (wanted is not None and (given is None or abs(given[0] - wanted) > 1e-9))
        )

    def _scale_of(self, view: FilmView) -> float | None:
        """The scale that a person gave; None for the film's own."""
        return self.mm_per_px if view.review.ruler is None else view.review.ruler.mm_per_px

    def _run(self) -> None:
        while (task := self._next()) is not None:
            if isinstance(task, _Request):
                self._do(task)
                continue
            try:
                self._predict(task)
            except Exception:  # a full disk, a closed project: the next film may do better
                logger.exception("film %d could not be predicted", task)
            finally:
                self._at_work = None

    def _next(self) -> _Request | int | None:
        """What to do next; None where all has ended."""
        with self._changed:
            while not self._ended:
                if self._requests:
                    return self._requests.pop(0)
                if self._wanted and self.trouble is None:
                    first = self._looked_at
                    chosen = first if first in self._wanted else min(self._wanted)
                    self._at_work = chosen  # first, so that at no time it seems to be done
                    self._wanted.pop(chosen)
                    return chosen
                self._changed.wait()
            return None

    def _do(self, request: _Request) -> None:
        if not request.answer.set_running_or_notify_cancel():
            return
        try:
            found = self._child.do(request.job, seconds=request.seconds, on_progress=request.on_progress)
        except Exception as error:  # noqa: BLE001 - whoever waits is told
            request.answer.set_exception(error)
        else:
            request.answer.set_result(found)

    def _predict(self, film_id: int) -> None:
        view, reader = self.project.film(film_id), self.reader
        film, scale = view.film, self._scale_of(view)
        job = PredictFilm(film.path, film.sha256, scale, reader.asked)
        unread, size = None, (film.width_px, film.height_px)
        try:
            found = self._child.do(job, seconds=self.seconds)
        except LostError as lost:
            if self._ended:
                return
            self._losses[film_id] += 1
            if self._losses[film_id] < MOST_LOSSES:
                self.want(film_id)
                return
            unread = f"{SET_ASIDE} {MOST_LOSSES} times ({lost})"
        except BundleError as error:
            self.trouble = f"no film can be predicted: {one_line(str(error))}"
            self.want(film_id)
            logger.error("%s", self.trouble)  # noqa: TRY400 - one line for the user
        except FailedError as error:
            unread = f"could not be predicted by a failure of cephsure: {error}"
        except InputError as error:
            unread = error.what if error.remedy is None else f"{error.what} ({error.remedy})"
        else:
            size = found.width_px, found.height_px
            with contextlib.suppress(InputError):  # they are made again when they are asked for
                found.details.write(details_path(self._cache, found.document))
                write_atomically(thumbnail_path(self._cache, film.sha256), found.thumbnail)
            self.project.store_prediction(
                film_id, found.document, reader_sha256=reader.key, doubt=found.doubt
            )
        if (*size, unread) != (film.width_px, film.height_px, film.unread):
            self.project.set_film_facts(film_id, width_px=size[0], height_px=size[1], unread=unread)
        if self.reader is not reader and not (view.points or unread):
            self.want(film_id)  # another reader was chosen meanwhile
        self._at_work = None
        self._bulletin.post(film_id)
