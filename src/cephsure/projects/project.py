"""A project: one folder with one SQLite file, in which nothing that was acknowledged is ever lost."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from cephsure.errors import InputError
from cephsure.file_names import writable
from cephsure.landmarks import LandmarkSet
from cephsure.projects import rows
from cephsure.projects.added_films import add_film, move_film, seen, seen_file
from cephsure.projects.database import FILE_NAME, Database, project_file
from cephsure.projects.documents import read_document
from cephsure.projects.edits import Request, edit_points, measure_scale, set_film_state
from cephsure.projects.queue import film_state, queue_rows
from cephsure.projects.records import Added, FilmView, QueueFilter
from cephsure.projects.replay import persons_films
from cephsure.projects.undo import of_person, take_back

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType

    from cephsure.projects.records import (
        Event,
        FilmRecord,
        NewFilm,
        PersonsFilm,
        PointEdit,
        QueueRow,
        Recorded,
        Review,
        ReviewState,
        Ruler,
        StoredPrediction,
    )
    from cephsure.projects.undo import Direction


class Project:
    """An open project. Its threads take turns; other processes may have it open too.

    Every method that stores returns only once what it stored is on the disk. A request has an identifier of
    the caller's: the same request again is answered with the first answer, and stored once.

    Attributes:
        name: as people call it.
        made_at: when it was made, UTC.
        landmark_set: whose points are marked.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.read() as connection:
            row = connection.execute("SELECT * FROM project").fetchone()
        if row is None:
            raise InputError("is damaged: it does not say what it is", where=database.path)
        self.name: str = row["name"]
        self.made_at: str = row["made_at"]
        self.landmark_set = LandmarkSet.from_dict(json.loads(row["landmark_set"]), where=database.path)

    @classmethod
    def create(
        cls,
        folder: str | Path,
        landmark_set: LandmarkSet,
        *,
        name: str | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> Self:
        """Make a project; the folder is made if it is absent.

        Args:
            folder: where it lies.
            landmark_set: whose points are marked.
            name: as people call it; the folder's name if None.
            settings: plain JSON: model, reader, level, analysis.

        Raises:
            InputError: there is a project already, or nothing can be written there.
        """
        folder = Path(folder)
        name = rows.checked_line(name or writable(folder.absolute().name) or "project", "a project's name")
        made_at = datetime.now(UTC).isoformat(timespec="seconds")
        values = (name, made_at, _text(landmark_set.to_dict()), _text(dict(settings or {})))
        return cls(
            Database.create(folder / FILE_NAME, ("INSERT INTO project VALUES (1, ?, ?, ?, ?)", values))
        )

    @classmethod
    def open(cls, folder: str | Path, *, read_only: bool = False) -> Self:
        """Open a project by its folder, or by its file.

        Raises:
            InputError: there is none, it is of a newer cephsure or damaged, or cannot be opened.
        """
        database = Database.open(project_file(Path(folder)), read_only=read_only)
        try:
            return cls(database)
        except BaseException:
            database.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @property
    def path(self) -> Path:
        """Its file."""
        return self._database.path

    @property
    def others_changes(self) -> int:
        """A number that is another one after another process has stored something in the project."""
        return self._database.data_version()

    @property
    def settings(self) -> dict[str, Any]:
        """Model, reader, level and analysis, as the caller stored them."""
        with self._database.read() as connection:
            row = connection.execute("SELECT settings FROM project").fetchone()
        settings: dict[str, Any] = json.loads(row["settings"])
        return settings

    def change_settings(self, **changes: Any) -> dict[str, Any]:
        """Store some settings, plain JSON; the others stay. All of them are given back."""
        with self._database.write() as connection:
            row = connection.execute("SELECT settings FROM project").fetchone()
            settings: dict[str, Any] = json.loads(row["settings"]) | changes
            connection.execute("UPDATE project SET settings = ?", (_text(settings),))
        return settings

    def add_films(self, films: Iterable[NewFilm | Path]) -> Added:
        """Add film files. Two files of one content are one film; a moved film is known again by its hash.

        The files are only hashed, not decoded; where one cannot be opened a line says so.
        """
        ids: list[int | None] = []
        problems = []
        files = [seen(film) for film in films]  # hashed before the transaction: it takes its time
        with self._database.write() as connection:
            for film in files:
                if isinstance(film, InputError):
                    ids.append(None)
                    problems.append(str(film))
                else:
                    ids.append(add_film(connection, film))
        return Added(tuple(ids), tuple(problems))

    def set_film_facts(
        self, film_id: int, *, width_px: int | None, height_px: int | None, unread: str | None = None
    ) -> None:
        """Store what reading a film's file told: its size, or why it cannot be read."""
        with self._database.write() as connection:
            rows.film(connection, film_id)
            connection.execute(
                "UPDATE films SET width_px = ?, height_px = ?, unread = ? WHERE film_id = ?",
                (width_px, height_px, None if unread is None else writable(unread), film_id),
            )

    def set_film_path(self, film_id: int, path: Path) -> None:
        """Store where a moved film was found."""
        file = seen_file(path)
        with self._database.write() as connection:
            if file.sha256 != rows.film(connection, film_id).sha256:
                raise InputError(f"is not film {film_id}: its content is another", where=path)
            move_film(connection, film_id, file)

    def store_prediction(
        self, film_id: int, document: str, *, reader_sha256: str = "definition", doubt: float | None = None
    ) -> StoredPrediction:
        """Store what a model said of a film; the newest counts, all are kept.

        Args:
            film_id: the film.
            document: the prediction as ``cephsure.prediction/2`` has it.
            reader_sha256: of the reader's file, or "definition".
            doubt: of the least certain point; the largest expected error in the document if None.

        Raises:
            InputError: there is no such film, or the document is no prediction of this project's landmarks.
        """
        facts = read_document(document, self.landmark_set)
        columns = {
            "film_id": film_id,
            "made_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "model": facts.model,
            "model_sha256": facts.model_sha256,
            "reader_sha256": reader_sha256,
            "mm_per_px": None if facts.mm_per_px is None else _text(facts.mm_per_px),
            "doubt": facts.doubt if doubt is None else doubt,
            "verdict": facts.verdict,
            "why": facts.why,
            "reasons": _text(facts.reasons),
            "document": document,
        }
        with self._database.write() as connection:
            rows.film(connection, film_id)
            names, marks = ", ".join(columns), ", ".join("?" * len(columns))
            query = f"INSERT INTO predictions ({names}) VALUES ({marks}) RETURNING *"  # noqa: S608 - ours
            stored = connection.execute(query, tuple(columns.values())).fetchone()
            return rows.prediction_of(stored)

    def record(self, film_id: int, edits: Sequence[PointEdit], *, who: str, request_id: str) -> Recorded:
        """Store a person's edits of a film's points: all of them, or none.

        Raises:
            InputError: an edit cannot be (no such point, no position, outside the film).
            Conflict: a point is not as the person saw it; it holds the points as they are.
        """
        content = {"edits": [_fields(edit) for edit in edits]}
        with self._database.write() as connection:
            request = Request(connection, film_id=film_id, who=who, request_id=request_id)
            return request.once(content, lambda: edit_points(request, edits, len(self.landmark_set)))

    def record_state(self, film_id: int, state: ReviewState, *, who: str, request_id: str) -> Recorded:
        """Store that a person reviewed a film, refers it, or opens it again ("open")."""
        with self._database.write() as connection:
            request = Request(connection, film_id=film_id, who=who, request_id=request_id)
            return request.once({"state": state}, lambda: set_film_state(request, state))

    def record_scale(self, film_id: int, ruler: Ruler | None, *, who: str, request_id: str) -> Recorded:
        """Store a film's scale by a ruler that a person laid on it; None takes it away."""
        content = {"scale": None if ruler is None else _fields(ruler)}
        with self._database.write() as connection:
            request = Request(connection, film_id=film_id, who=who, request_id=request_id)
            return request.once(content, lambda: measure_scale(request, ruler))

    def record_note(self, film_id: int, text: str, *, who: str, request_id: str) -> Recorded:
        """Store a person's note on a film."""
        with self._database.write() as connection:
            request = Request(connection, film_id=film_id, who=who, request_id=request_id)
            return request.once({"note": text}, lambda: request.add_note(text))

    def undo(self, film_id: int, *, who: str, request_id: str) -> Recorded:
        """Take back the person's last request on a film; that is an event too.

        Raises:
            InputError: there is nothing to undo.
            Conflict: somebody else changed it since.
        """
        return self._take_back(film_id, "undo", who, request_id)

    def redo(self, film_id: int, *, who: str, request_id: str) -> Recorded:
        """Do again what the person undid last on a film; errors as of ``undo``."""
        return self._take_back(film_id, "redo", who, request_id)

    def _take_back(self, film_id: int, direction: Direction, who: str, request_id: str) -> Recorded:
        with self._database.write() as connection:
            request = Request(connection, film_id=film_id, who=who, request_id=request_id)
            return request.once({"take back": direction}, lambda: take_back(request, direction))

    def films(self) -> tuple[FilmRecord, ...]:
        """All films, in the order in which they were added."""
        with self._database.read() as connection:
            return rows.films(connection)

    def film(self, film_id: int, *, who: str = "") -> FilmView:
        """A film with its newest prediction, its points, and what a person can undo and redo.

        Raises:
            NoSuchFilm: there is no film of this number.
        """
        with self._database.read() as connection:
            film = rows.film(connection, film_id)
            review = rows.review(connection, film_id)
            prediction = rows.newest_prediction(connection, film_id)
            undo, redo = of_person(connection, film_id, who)
            return FilmView(
                film,
                film_state(said=review.state, unread=film.unread, is_predicted=prediction is not None),
                review,
                prediction,
                rows.points(connection, film_id),
                undo,
                redo,
            )

    def predictions(self, film_id: int) -> tuple[StoredPrediction, ...]:
        """All that models said of a film, the newest last.

        Raises:
            NoSuchFilm: there is no film of this number.
        """
        query = "SELECT * FROM predictions WHERE film_id = ? ORDER BY prediction_id"
        with self._database.read() as connection:
            rows.film(connection, film_id)
            return tuple(map(rows.prediction_of, connection.execute(query, (film_id,)).fetchall()))

    def review(self, film_id: int) -> Review:
        """What people said of a film as a whole, and the ruler they laid on it."""
        with self._database.read() as connection:
            return rows.review(connection, film_id)

    def queue(self, wanted: QueueFilter | None = None) -> list[QueueRow]:
        """The films that are wanted (all if None), the most doubtful first; films without prediction last."""
        with self._database.read() as connection:
            return queue_rows(connection, wanted or QueueFilter())

    def history(self, film_id: int) -> tuple[Event, ...]:
        """All events of a film, in their order.

        Raises:
            NoSuchFilm: there is no film of this number.
        """
        with self._database.read() as connection:
            rows.film(connection, film_id)
            return tuple(rows.events(connection, "film_id = ?", film_id))

    def events_since(self, event_id: int) -> tuple[Event, ...]:
        """The events after one, of all films; after 0: all of them."""
        with self._database.read() as connection:
            return tuple(rows.events(connection, "event_id > ?", event_id))

    def last_event(self) -> int:
        """The number of the last event; 0 where there is none."""
        with self._database.read() as connection:
            (last,) = connection.execute("SELECT coalesce(max(event_id), 0) FROM events").fetchone()
        return int(last)

    def annotations(self, who: str | None = None) -> tuple[PersonsFilm, ...]:
        """What each person (or one) marked, film by film: of each point their own last word that they kept.

        A film counts for a person who reviewed it or touched any point of it. Points that they did not touch
        are not among their marks, nor are missing and referred ones.
        """
        with self._database.read() as connection:
            films = {film.film_id: film for film in rows.films(connection)}
            events = tuple(rows.events(connection))
        return tuple(found for found in persons_films(films, events) if who in (None, found.who))


def _text(value: Any) -> str:
    """A value as JSON text."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _fields(record: PointEdit | Ruler) -> dict[str, Any]:
    """A record's fields by name."""
    return {name: getattr(record, name) for name in record.__dataclass_fields__}
