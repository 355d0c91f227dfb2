"""What a storage service's folder says of its films: what waits, what failed, what is done."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cephsure.pacs.ledger import Ledger

if TYPE_CHECKING:
    from pathlib import Path

MOST_TROUBLES = 20


@dataclass(frozen=True, slots=True)
class ServiceState:
    """Counts, and a line for each of the first troubles.

    Attributes:
        films: that arrived and were acknowledged.
        waiting: for their prediction.
        failed: that have no results and will have none.
        done: whose results are made and stored.
        results: that were made, SR and GSPS.
        unsent: that wait to be sent.
        sent: that were acknowledged.
        troubles: films that failed and results that could not be sent, each with the reason.
    """

    films: int
    waiting: int
    failed: int
    done: int
    results: int
    unsent: int
    sent: int
    troubles: tuple[str, ...]


def state_of(folder: Path) -> ServiceState:
    """Look into a service's folder, while it runs or not.

    Raises:
        InputError: it is none.
    """
    with Ledger.open(folder, read_only=True) as ledger:
        films, results = ledger.films(), ledger.results()
    of_films, of_results = (Counter(each.state for each in found) for found in (films, results))
    troubles = [f"{film.name}: no results: {film.why}" for film in films if film.state == "failed"]
    troubles += [
        f"{result.file_name}: not sent ({_times(result.tries)}): {result.why}"
        for result in results
        if result.state == "waiting" and result.tries
    ]
    if len(troubles) > MOST_TROUBLES:
        troubles = [*troubles[:MOST_TROUBLES], f"... {len(troubles) - MOST_TROUBLES} more"]
    return ServiceState(
        films=len(films),
        waiting=of_films["waiting"],
        failed=of_films["failed"],
        done=of_films["predicted"],
        results=len(results),
        unsent=of_results["waiting"],
        sent=of_results["sent"],
        troubles=tuple(troubles),
    )


def _times(tries: int) -> str:
    return "tried once" if tries == 1 else f"tried {tries} times"
