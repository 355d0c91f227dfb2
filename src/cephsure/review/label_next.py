"""Which films would teach most if they were corrected next: doubtful ones that are unlike each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.review.desk import Desk

    Array = NDArray[np.float64]

SHOWN = 5
_DONE = ("reviewed", "referred", "unread", "waiting")


def label_next(desk: Desk, count: int = SHOWN) -> list[dict[str, Any]]:
    """Films to correct next, the most instructive first."""
    rows = desk.queue()
    usual = [row for row in rows if row.verdict != "unfit"]  # no head to be marked, or no film
    candidates = [row for row in usual if row.state not in _DONE and not row.counts and row.doubt is not None]
    if not candidates:
        return []
    labelled = [row.film_id for row in rows if row.counts or row.state == "reviewed"]
    known = desk.features([*labelled, *(row.film_id for row in candidates)])
    features = [known.get(row.film_id) for row in candidates]
    seen = [known[film_id] for film_id in labelled if film_id in known]
    doubts = np.array([row.doubt for row in candidates], dtype=np.float64)
    chosen = choose(doubts, features, seen, count)
    return [
        {
            "film_id": candidates[place].film_id,
            "name": candidates[place].name,
            "off_mm": float(doubts[place]),
            "unlike": is_unlike,
            "why": f"its least certain point may be off by {doubts[place]:.1f} mm"
            + (", and it is unlike the films corrected so far" if is_unlike else ""),
        }
        for place, is_unlike in chosen
    ]


def choose(
    doubts: Array, features: Sequence[Array | None], seen: Sequence[Array], count: int
) -> list[tuple[int, bool]]:
    """Choose films one by one, each by its doubt times its distance to what is labelled or chosen already.

    Distances are between features standardised over all films, as shares of their median; a film without
    features counts by its doubt alone (greedy k-centre of Sener and Savarese 2018, weighted by uncertainty).

    Returns:
        Places of the chosen films, and whether each is further than usual from those before.
    """
    known = [place for place, own in enumerate(features) if own is not None]
    distances = np.full(len(doubts), 1.0)
    table = np.zeros((len(doubts), 0))
    if known:
        rows = [own for own in features if own is not None]
        together = np.stack([*rows, *seen])
        spread = together.std(axis=0)
        scaled = (together - together.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
        table = np.zeros((len(doubts), scaled.shape[1]))
        table[known] = scaled[: len(rows)]
        usual = float(np.median(np.linalg.norm(scaled, axis=1))) or 1.0
        table, others = table / usual, scaled[len(rows) :] / usual
        if len(others):
            distances[known] = np.linalg.norm(table[known, None] - others[None], axis=2).min(axis=1)
    chosen: list[tuple[int, bool]] = []
    left = np.ones(len(doubts), dtype=bool)
    for _ in range(min(count, len(doubts))):
        place = int(np.argmax(np.where(left, doubts * distances, -np.inf)))
        is_unlike = features[place] is not None and bool(seen or chosen) and distances[place] > 1.0
        chosen.append((place, bool(is_unlike)))
        left[place] = False
        if features[place] is not None:
            away = np.linalg.norm(table[known] - table[place], axis=1)
            distances[known] = np.minimum(distances[known], away)
    return chosen
