"""The films' pictures: read in a process of their own, the last ones kept, thumbnails beside the project."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Protocol

from cephsure.atomic import write_atomically
from cephsure.errors import FilmError, InputError
from cephsure.review.child import Child, FailedError, Job, LostError
from cephsure.review.film_pictures import ReadFilm, reading_desk

if TYPE_CHECKING:
    from pathlib import Path

    from cephsure.projects import FilmRecord
    from cephsure.review.film_pictures import FilmPicture
    from cephsure.workflows.reviewed_films import ProjectFilm

KEPT_BYTES = 256 * 2**20
"""Grey values that are kept; the film that is looked at, its neighbours and the next ones of the queue."""
READING_SECONDS = 20.0


class FilmJob(Job, Protocol):
    """A job that reads a film's file and gives a document."""

    @property
    def film(self) -> ProjectFilm:
        """The film."""


class Pictures:
    """Gives films' pictures; threads may ask side by side."""

    def __init__(self, cache: Path, *, seconds: float = READING_SECONDS) -> None:
        self._cache, self._seconds = cache, seconds
        self._child = Child(reading_desk, name="cephsure-films")
        # Of its own, so that nobody who wants to see a film waits for a queue of small pictures, or a report.
        self._small = Child(reading_desk, name="cephsure-thumbnails")
        self._ahead: FilmRecord | None = None
        self._asked = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._run_ahead, name="cephsure-pictures", daemon=True)
        self._thread.start()
        self._kept: OrderedDict[str, FilmPicture] = OrderedDict()
        self._lock = threading.Lock()

    def picture(self, film: FilmRecord) -> FilmPicture:
        """A film's picture.

        Raises:
            FilmError: it cannot be read, or another film lies in its place by now.
        """
        with self._lock:
            found = self._kept.get(film.sha256)
            if found is not None:
                self._kept.move_to_end(film.sha256)
                return found
        found = self._read(film, self._child)
        with self._lock:
            self._kept[film.sha256] = found
            while len(self._kept) > 1 and sum(len(each.grey) for each in self._kept.values()) > KEPT_BYTES:
                self._kept.popitem(last=False)
        return found

    def read_ahead(self, film: FilmRecord) -> None:
        """Have a film's picture at hand soon; the film that was asked for last is read."""
        with self._asked:
            self._ahead = film
            self._asked.notify_all()

    def _run_ahead(self) -> None:
        while True:
            with self._asked:
                while self._ahead is None and not self._ended:
                    self._asked.wait()
                film, self._ahead = self._ahead, None
            if film is None:
                return
            if not self.is_kept(film):
                with contextlib.suppress(InputError, FailedError):  # said when it is asked for
                    self.picture(film)

    def is_kept(self, film: FilmRecord) -> bool:
        """Whether a film's picture is at hand."""
        return film.sha256 in self._kept

    def thumbnail(self, film: FilmRecord) -> bytes:
        """A small JPEG of a film; raises as `picture`."""
        try:
            return thumbnail_path(self._cache, film.sha256).read_bytes()
        except OSError:
            return self._read(film, self._small).thumbnail

    def report(self, job: FilmJob) -> bytes:
        """A report on a film.

        Raises:
            FilmError: its file cannot be read, or is another by now.
        """
        try:
            content: bytes = self._small.do(job, seconds=self._seconds)
        except LostError as lost:
            raise _unreadable(job.film.path, lost) from lost
        return content

    def end(self) -> None:
        """End the processes that read."""
        with self._asked:
            self._ended, self._ahead = True, None
            self._asked.notify_all()
        self._child.end()
        self._small.end()
        self._thread.join()

    def _read(self, film: FilmRecord, child: Child[object]) -> FilmPicture:
        try:
            found: FilmPicture = child.do(ReadFilm(film.path), seconds=self._seconds)
        except LostError as lost:
            raise _unreadable(film.path, lost) from lost
        if found.sha256 != film.sha256:
            raise FilmError(
                "is another film than the one that was added",
                where=film.path,
                remedy="put the film back, or give the folder where it is now",
            )
        with contextlib.suppress(InputError):  # a full disk: it is read again next time
            write_atomically(thumbnail_path(self._cache, film.sha256), found.thumbnail)
        return found


def _unreadable(path: Path | None, lost: LostError) -> FilmError:
    remedy = "damaged, or made to do harm: export it anew"
    return FilmError(f"cannot be read: {lost}", where=path, remedy=remedy)


def thumbnail_path(cache: Path, sha256: str) -> Path:
    """Where a film's thumbnail lies."""
    return cache / "thumbnails" / f"{sha256}.jpg"
