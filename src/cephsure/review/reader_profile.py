"""The card that asks, on a film of one's own, how one marks the points whose definitions part."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

from cephsure.errors import FilmError, InputError
from cephsure.review.child import FailedError, LostError
from cephsure.review.desk import READERS
from cephsure.review.jobs import AskReader, WriteProfile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cephsure.review.desk import Desk

ANSWERED, SKIPPED = "answered", "skipped"
_WAIT_S = 60.0
_MOST_FILMS_TRIED = 5
_NO_LETTER = re.compile(r"[^\w-]+")


class ReaderCard:
    """Asks once; what was answered is a reader's file in the project."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._asked: dict[tuple[int, str], list[dict[str, Any]]] = {}
        self._lock = threading.Lock()

    @property
    def is_needed(self) -> bool:
        """Whether to ask: there is something to choose, and nobody has answered or put the card away."""
        settings = self._desk.project.settings
        return (
            self._desk.facts.can_ask
            and settings.get("profile", {}).get("state") is None
            and settings.get("reader") in (None, "definition")
        )

    def document(self, film_id: int | None) -> dict[str, Any]:
        """The questions with both places on a film; by default the first one that can be read."""
        desk = self._desk
        if film_id is not None:
            film_id = desk.film(film_id).view.film.film_id
            questions = self._questions(film_id)
        else:
            film_id, questions = self._on_some_film()
        return {
            "needed": self.is_needed and bool(questions),
            "film_id": film_id,
            "reader": desk.reader_words(),
            "questions": questions,
            "answered": desk.project.settings.get("profile", {}).get("answers", {}),
        }

    def skip(self) -> None:
        """Put the card away."""
        self._desk.project.change_settings(profile={"state": SKIPPED, "answers": {}})
        self._desk.bulletin.post()

    def answer(self, answers: Mapping[int, str], *, name: str) -> None:
        """Write the reader's file, and foretell this reader's marks from now on.

        Raises:
            InputError: an answer means nothing.
        """
        if not answers:
            raise InputError("nothing is answered", remedy="choose a place for at least one point")
        out = reader_path(self._desk.folder, f"profile-{name}")
        said, file = {str(number): answer for number, answer in answers.items()}, in_project(out)
        waited_for(self._desk, WriteProfile(said, name, out))
        self._desk.project.change_settings(profile={"state": ANSWERED, "answers": said, "file": file})
        self._desk.use_reader(file)

    @property
    def file(self) -> Path | None:
        """The reader's file of what was answered; None where nothing was."""
        inside = self._desk.project.settings.get("profile", {}).get("file")
        path = None if inside is None else self._desk.folder / inside
        return path if path is not None and path.is_file() else None

    def _on_some_film(self) -> tuple[int | None, list[dict[str, Any]]]:
        """The questions on a fit film, else on the first that can be read: of some that is not known yet."""
        rows = [row for row in self._desk.queue() if row.state != "unread"]
        rows.sort(key=lambda row: (row.verdict != "fit", row.state == "waiting"))
        for row in rows[:_MOST_FILMS_TRIED]:
            try:
                return row.film_id, self._questions(row.film_id)
            except FilmError:
                continue
        return None, []

    def _questions(self, film_id: int) -> list[dict[str, Any]]:
        if not self._desk.facts.can_ask:
            return []
        film = self._desk.film(film_id)
        record, scale = film.view.film, film.mm_per_px
        key = (film_id, str(scale))
        with self._lock:
            if key not in self._asked:
                self._asked[key] = waited_for(self._desk, AskReader(record.path, scale))
            return self._asked[key]


def reader_path(folder: Path, name: str) -> Path:
    """Where the file of a reader of some name lies in a project."""
    return folder / READERS / f"{_NO_LETTER.sub('-', name)[:80].strip('-') or 'reader'}.json"


def in_project(path: Path) -> str:
    """A reader's file as a project's settings name it."""
    return f"{path.parent.name}/{path.name}"


def waited_for(desk: Desk, job: Any) -> Any:
    """What a job of the process with the model gives.

    Raises:
        InputError: what it raises, or that it was not done.
    """
    try:
        return desk.predictor.do(job, seconds=_WAIT_S).result(timeout=2 * _WAIT_S)
    except (LostError, FailedError, TimeoutError) as error:
        raise InputError(f"was not done: {error or 'the process with the model is busy'}") from error
