"""The films of a project, the most doubtful first."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from cephsure.projects.records import QueueFilter, QueueRow

if TYPE_CHECKING:
    import sqlite3

    from cephsure.projects.records import FilmState, PointState, ReviewState

_VERDICTS = {"unfit": 0, "review": 1, "fit": 2}
_ROWS = """
SELECT films.film_id, films.name, films.width_px, films.height_px, films.unread,
       predictions.prediction_id, predictions.verdict, predictions.why, predictions.reasons,
       predictions.doubt, film_states.state AS said
FROM films
LEFT JOIN (SELECT film_id, max(prediction_id) AS newest FROM predictions GROUP BY film_id) AS last
    ON last.film_id = films.film_id
LEFT JOIN predictions ON predictions.prediction_id = last.newest
LEFT JOIN film_states ON film_states.film_id = films.film_id
ORDER BY films.film_id
"""
_COUNTS = (
    "SELECT film_id, state, count(*) AS points FROM points WHERE state != 'predicted' GROUP BY film_id, state"
)


def film_state(*, said: ReviewState | None, unread: str | None, is_predicted: bool) -> FilmState:
    """What a film waits for: what people said of it goes first."""
    if said in ("reviewed", "referred"):
        return said
    if unread is not None:
        return "unread"
    return "predicted" if is_predicted else "waiting"


def queue_rows(connection: sqlite3.Connection, wanted: QueueFilter) -> list[QueueRow]:
    """The films that are wanted: unfit, to review, fit, the least certain point first in each; then the rest.

    Films whose newest prediction has no verdict come behind those that have one, films without a prediction
    last.
    """
    counts: dict[int, dict[PointState, int]] = defaultdict(dict)
    for row in connection.execute(_COUNTS):
        counts[row["film_id"]][row["state"]] = row["points"]
    found = [_queue_row(row, counts.get(row["film_id"], {})) for row in connection.execute(_ROWS)]
    return sorted(filter(lambda row: _is_wanted(row, wanted), found), key=_order)


def _queue_row(row: sqlite3.Row, counts: dict[PointState, int]) -> QueueRow:
    predicted = row["prediction_id"] is not None
    return QueueRow(
        film_id=row["film_id"],
        name=row["name"],
        state=film_state(said=row["said"], unread=row["unread"], is_predicted=predicted),
        verdict=row["verdict"],
        why=row["why"],
        reasons=tuple(json.loads(row["reasons"])) if predicted else (),
        doubt=row["doubt"],
        counts=counts,
        width_px=row["width_px"],
        height_px=row["height_px"],
        unread=row["unread"],
    )


def _is_wanted(row: QueueRow, wanted: QueueFilter) -> bool:
    return (
        (wanted.verdict is None or row.verdict == wanted.verdict)
        and (wanted.state is None or row.state == wanted.state)
        and (wanted.text is None or wanted.text.casefold() in row.name.casefold())
        and (
            wanted.reason is None
            or any(wanted.reason.casefold() in reason.casefold() for reason in row.reasons)
        )
    )


def _order(row: QueueRow) -> tuple[int, float, int]:
    verdict = 3 if row.verdict is None else _VERDICTS[row.verdict]
    if row.verdict is None and row.doubt is None:
        verdict = 4
    return verdict, 0.0 if row.doubt is None else -row.doubt, row.film_id
