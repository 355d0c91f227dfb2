"""What goes into a project and comes out of it: plain records that never change."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, get_args

from cephsure.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

Action = Literal["accept", "edit", "place", "missing", "refer", "reset"]
PointState = Literal["predicted", "accepted", "edited", "placed", "missing", "referred"]
ReviewState = Literal["open", "reviewed", "referred"]
FilmState = Literal["waiting", "predicted", "unread", "reviewed", "referred"]
Verdict = Literal["fit", "review", "unfit"]
Kind = Literal["point", "scale", "film", "note", "undo", "redo"]
About = Literal["point", "scale", "film", "note"]

STATE_OF_ACTION: dict[Action, PointState] = {
    "accept": "accepted",
    "edit": "edited",
    "place": "placed",
    "missing": "missing",
    "refer": "referred",
    "reset": "predicted",
}
MARKED: tuple[PointState, ...] = ("accepted", "edited", "placed")
"""States of a point that somebody vouches for: what counts as that person's mark."""


@dataclass(frozen=True, slots=True)
class NewFilm:
    """A film file to add; its hash is taken where it is not given.

    Attributes:
        unread: one line on why it cannot be read; None where it can, or was not tried.
    """

    path: Path
    sha256: str | None = None
    width_px: int | None = None
    height_px: int | None = None
    unread: str | None = None


@dataclass(frozen=True, slots=True)
class FilmRecord:
    """A film of a project; its file may have been moved (``find_films``)."""

    film_id: int
    sha256: str
    name: str  # its file's, as text can hold it
    path: Path  # where it was last seen
    size_bytes: int
    changed_ns: int | None  # the file's time of change when its hash was taken
    added_at: str
    width_px: int | None
    height_px: int | None
    unread: str | None


@dataclass(frozen=True, slots=True)
class Added:
    """What adding films did: identifiers in the order given, None for a file that cannot be opened."""

    film_ids: tuple[int | None, ...]
    problems: tuple[str, ...]  # one line a file that cannot be opened


@dataclass(frozen=True, slots=True)
class StoredPrediction:
    """What a model said of a film.

    Attributes:
        reader_sha256: of the reader's file, or "definition".
        mm_per_px: the scale it was made with, along x and y.
        doubt: of the least certain point; larger is more doubtful.
        document: the prediction as ``cephsure.prediction/2`` has it.
    """

    prediction_id: int
    film_id: int
    made_at: str
    model: str
    model_sha256: str
    reader_sha256: str
    mm_per_px: tuple[float, float] | None
    doubt: float | None
    verdict: Verdict | None
    why: str | None
    reasons: tuple[str, ...]
    document: str


@dataclass(frozen=True, slots=True)
class PointEdit:
    """What a person does to one point.

    ``edit`` and ``place`` need a position, in px of the film. ``accept`` takes the position that the person
    saw, or else the one that is shown: where it was marked, or else where the newest prediction has it.
    ``base_revision`` is the point's revision that the person saw: 0 where nobody had touched it.
    """

    landmark: int  # number in the landmark set, from 1
    action: Action
    x_px: float | None = None
    y_px: float | None = None
    base_revision: int = 0


@dataclass(frozen=True, slots=True)
class Value:
    """A point as it stands: its state, its place in px and whose mark it is; None and "predicted": nobody's.

    ``prediction_id`` is the newest prediction when it was marked.
    """

    state: PointState = "predicted"
    x_px: float | None = None
    y_px: float | None = None
    who: str | None = None
    prediction_id: int | None = None

    def to_json(self) -> str:
        """The value as an event holds it."""
        return json.dumps(asdict(self), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Value:
        """The value that an event holds; `TypeError` or `ValueError` where the text is no such value."""
        value = cls(**json.loads(text))
        if value.state not in get_args(PointState):
            raise ValueError(f"there is no state {value.state!r} of a point")
        return value


UNTOUCHED = Value()


@dataclass(frozen=True, slots=True)
class Point:
    """A point that somebody touched: each change raises its revision."""

    film_id: int
    landmark: int
    value: Value
    revision: int
    event_id: int  # the last one that changed it


@dataclass(frozen=True, slots=True)
class Ruler:
    """A length measured on the film: between two points in px, known in mm."""

    start_px: tuple[float, float]
    end_px: tuple[float, float]
    length_mm: float

    @property
    def mm_per_px(self) -> float:
        """The scale that follows, the same along x and y."""
        (x0, y0), (x1, y1) = self.start_px, self.end_px
        return float(self.length_mm / ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5)

    def to_dict(self) -> dict[str, Any]:
        """The ruler in plain lists and numbers."""
        return {
            "from": list(self.start_px),
            "to": list(self.end_px),
            "length_mm": self.length_mm,
            "mm_per_px": self.mm_per_px,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Ruler:
        """The ruler that ``to_dict`` wrote."""
        (x0, y0), (x1, y1) = data["from"], data["to"]
        return cls((x0, y0), (x1, y1), data["length_mm"])


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a film; it is never changed, and undoing it is another event.

    Attributes:
        about: what it changes; the same as ``kind`` but for "undo" and "redo".
        action: of a point ("accept", ...), the film's new state, "ruler", or the kind of what is undone.
        before: what stood there: of a point a `Value`, else plain JSON; None where nothing did.
        undoes: the event that an "undo" takes back, the "undo" that a "redo" does.
    """

    event_id: int
    request_id: str
    place: int
    film_id: int
    at: str  # UTC, ISO 8601
    who: str
    kind: Kind
    about: About
    action: str
    landmark: int | None
    revision: int | None
    before: str | None
    after: str | None
    undoes: int | None

    @property
    def target(self) -> tuple[int, About, int | None]:
        """What it changes: the film, point or scale."""
        return self.film_id, self.about, self.landmark


@dataclass(frozen=True, slots=True)
class Recorded:
    """The answer to a request: its events, and the points as these left them."""

    request_id: str
    events: tuple[Event, ...]
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """What people said of a film as a whole."""

    state: ReviewState = "open"
    who: str | None = None
    ruler: Ruler | None = None


@dataclass(frozen=True, slots=True)
class FilmView:
    """All that a page shows of a film.

    Attributes:
        prediction: the newest one.
        points: those that somebody touched, by number.
        undo: the events that the person would take back next; none where there is nothing.
        redo: the events that the person would do again.
    """

    film: FilmRecord
    state: FilmState
    review: Review
    prediction: StoredPrediction | None
    points: tuple[Point, ...]
    undo: tuple[Event, ...]
    redo: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A film in the queue.

    Attributes:
        counts: how many points are in each state, of those that somebody touched.
    """

    film_id: int
    name: str
    state: FilmState
    verdict: Verdict | None
    why: str | None
    reasons: tuple[str, ...]
    doubt: float | None
    counts: dict[PointState, int]
    width_px: int | None
    height_px: int | None
    unread: str | None = None


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """Which films of the queue are wanted: those that fit everything that is given.

    Attributes:
        reason: a text that one of the verdict's reasons holds, whatever its case.
        text: a text that the film's name holds, whatever its case.
    """

    verdict: Verdict | None = None
    state: FilmState | None = None
    reason: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class PersonsFilm:
    """What one person marked on a film: by landmark number the position in px of what they vouch for.

    ``others`` are points that they called missing or referred.
    """

    film: FilmRecord
    who: str
    marks_px: dict[int, tuple[float, float]] = field(default_factory=dict)
    others: dict[int, PointState] = field(default_factory=dict)
    reviewed: bool = False


class NoSuchFilm(InputError):  # noqa: N818 - an answer, as its brother below
    """A project has no film of this number."""


class Conflict(InputError):  # noqa: N818 - what it is called where people meet it
    """Somebody else, or another window, changed it since; nothing was stored.

    Attributes:
        current: the points as they are now.
    """

    def __init__(
        self,
        what: str,
        *,
        where: Path | str | None = None,
        remedy: str | None = None,
        current: tuple[Point, ...] = (),
    ) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.current = current

    def __reduce__(self) -> tuple[Any, ...]:
        """Comes whole out of another process."""
        return partial(type(self), where=self.where, remedy=self.remedy, current=self.current), (self.what,)
