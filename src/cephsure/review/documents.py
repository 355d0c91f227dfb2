"""What the routes of films answer, for those who read `/openapi.json`; `docs/review-api.md` says more."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from cephsure.projects.records import FilmState, PointState, Verdict  # noqa: TC001 - types of fields


class Document(BaseModel):
    """A JSON object: all its fields are here."""

    model_config = ConfigDict(extra="forbid")


class FilmRow(Document):
    """A film in the queue; ``doubt`` is how far off the least certain point may be, in mm."""

    film_id: int
    name: str
    verdict: Verdict | None
    why: str | None
    doubt: float | None
    state: FilmState
    points: dict[PointState, int]
    width_px: int | None
    height_px: int | None


class FilmQueue(Document):
    """The queue, how many films there are in each state, and the number of the last change that is in it."""

    films: list[FilmRow]
    counts: dict[Literal["films"] | FilmState, int]
    last: int


class PointRow(Document):
    """A point that somebody touched; of one that was reset the position is null."""

    number: int
    state: PointState
    x_px: float | None
    y_px: float | None
    revision: int
    event_id: int
    who: str | None
    at: str | None


class ScaleFacts(Document):
    """A film's scale along x and y, where it comes from, and what the head's size says against it."""

    mm_per_px: list[float] | None
    source: str
    warning: str | None
    ruler: dict[str, Any] | None


class FilmFacts(Document):
    """A film as it stands."""

    film_id: int
    name: str
    path: str
    sha256: str
    width_px: int | None
    height_px: int | None
    state: FilmState
    verdict: Verdict | None
    why: str | None
    unread: str | None
    credit: str | None
    scale: ScaleFacts
    prediction: dict[str, Any] | None
    prediction_id: int | None
    predicting: bool
    regions: dict[str, dict[str, Any]]
    heatmaps: bool
    points: list[PointRow]
    can_undo: bool
    can_redo: bool
    previous: int | None
    next: int | None


class EventRow(Document):
    """Something that happened to a film."""

    event_id: int
    at: str
    who: str
    kind: str
    about: str
    action: str
    number: int | None
    revision: int | None
    before: Any
    after: Any
    undoes: int | None


class FilmHistory(Document):
    """All events of a film, the first one first."""

    events: list[EventRow]
