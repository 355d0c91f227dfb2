"""What follows from a project's events alone: points and films as they must stand, each person's marks."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from cephsure.projects import rows
from cephsure.projects.edits import state_text
from cephsure.projects.records import MARKED, UNTOUCHED, PersonsFilm, Point, Review, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from cephsure.projects.records import Event, FilmRecord

_Key = TypeVar("_Key")
_Word = TypeVar("_Word")


@dataclass(slots=True)
class Replayed:
    """What events leave; ``problems`` has a line for each that does not follow from those before it."""

    points: dict[tuple[int, int], Point] = field(default_factory=dict)  # by film and landmark
    reviews: dict[int, Review] = field(default_factory=dict)  # by film
    last_events: dict[int, int] = field(default_factory=dict)  # that changed a film's review
    problems: list[str] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Let one more event happen."""
        try:
            if event.landmark is not None:
                self._take_point(event, event.landmark)
            elif event.about in ("film", "scale"):
                self._take_review(event)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            self.problems.append(f"event {event.event_id} cannot be understood: {error}")

    def _take_point(self, event: Event, landmark: int) -> None:
        key = event.film_id, landmark
        known = self.points.get(key, Point(*key, UNTOUCHED, 0, 0))
        after = Value.from_json(event.after or "")
        if Value.from_json(event.before or "") != known.value or event.revision != known.revision + 1:
            self.problems.append(
                f"event {event.event_id} does not follow from what was before it (film {event.film_id}, "
                f"point {landmark})"
            )
        self.points[key] = Point(*key, after, known.revision + 1, event.event_id)

    def _take_review(self, event: Event) -> None:
        known = self.reviews.get(event.film_id, Review())
        if event.about == "film":
            said = json.loads(event.after or "")
            left = replace(known, state=said["state"], who=said["who"])
            stood: str | None = state_text(known)
        else:
            left, stood = replace(known, ruler=rows.ruler_of(event.after)), rows.ruler_text(known.ruler)
        if event.before != stood:
            self.problems.append(
                f"event {event.event_id} does not follow from what was before it (film {event.film_id})"
            )
        self.reviews[event.film_id] = left
        self.last_events[event.film_id] = event.event_id


def replay(events: Iterable[Event]) -> Replayed:
    """What all events, in their order, leave."""
    replayed = Replayed()
    for event in events:
        replayed.take(event)
    return replayed


def persons_values(events: Iterable[Event]) -> dict[tuple[str, int, int], Value]:
    """Each person's own last word on each point, by person, film and landmark, without what they undid.

    Others' edits of the same point change nothing here: two readers of a film are two.
    """
    said = (
        ((event.who, event.film_id, event.landmark), event)
        for event in events
        if event.landmark is not None and event.after is not None
    )
    found = _last_words(said, lambda event: Value.from_json(event.after or ""))
    return {key: value for key, value in found.items() if value != UNTOUCHED}


def persons_reviews(events: Iterable[Event]) -> set[tuple[str, int]]:
    """Who reviewed which film, by their own last word."""
    said = (((event.who, event.film_id), event) for event in events if event.about == "film")
    return {key for key, word in _last_words(said, lambda event: event.action).items() if word == "reviewed"}


def _last_words(said: Iterable[tuple[_Key, Event]], word_of: Callable[[Event], _Word]) -> dict[_Key, _Word]:
    """What the last event of each key says that was not undone; keys of which all was undone are absent."""
    history: dict[_Key, dict[int, _Word]] = {}
    origin: dict[int, int] = {}  # of an undo: the event that it takes back
    for key, event in said:
        own = history.setdefault(key, {})
        if event.kind == event.about:
            own[event.event_id] = word_of(event)
        elif event.kind == "undo" and event.undoes is not None:
            origin[event.event_id] = event.undoes
            own.pop(event.undoes, None)
        elif event.kind == "redo" and event.undoes in origin:
            own[origin[event.undoes]] = word_of(event)
    return {key: own[max(own)] for key, own in history.items() if own}


def persons_films(films: Mapping[int, FilmRecord], events: Sequence[Event]) -> Iterator[PersonsFilm]:
    """What each person marked on each film that they marked a point of, or reviewed; by film, then person."""
    reviewed = persons_reviews(events)
    found: dict[tuple[int, str], dict[int, Value]] = {(film_id, who): {} for who, film_id in reviewed}
    for (who, film_id, number), value in sorted(persons_values(events).items()):
        found.setdefault((film_id, who), {})[number] = value
    for (film_id, who), values in sorted(found.items()):
        yield PersonsFilm(
            film=films[film_id],
            who=who,
            marks_px={number: place for number, value in values.items() if (place := mark_px(value))},
            others={number: value.state for number, value in values.items() if not mark_px(value)},
            reviewed=(who, film_id) in reviewed,
        )


def mark_px(value: Value) -> tuple[float, float] | None:
    """The place of a point that somebody vouches for; None of any other point."""
    if value.state not in MARKED or value.x_px is None or value.y_px is None:
        return None
    return value.x_px, value.y_px
