"""Two threads beside the receiver: one has films predicted, the other sends what was found."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from cephsure.errors import BundleError, InputError, one_line
from cephsure.pacs.sending import NotSentError, pause_after
from cephsure.review.child import FailedError, LostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cephsure.pacs.ledger import StoredFilm
    from cephsure.pacs.predicting import FilmPredictor
    from cephsure.pacs.sending import Outlet
    from cephsure.pacs.store import FilmStore

logger = logging.getLogger(__name__)

MOST_LOSSES = 2
"""How often a film may end the process that reads it before it is set aside."""
SET_ASIDE = "set aside: it ended the process that reads films"
_AFTER_TROUBLE_S = 5.0


class Worker:
    """A thread that does one thing after the other, and sleeps while there is nothing to do."""

    def __init__(self, step: Callable[[], float | None], *, name: str) -> None:
        self._step = step
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """There is something to do."""
        self._wake.set()

    def stop(self, patience_s: float) -> None:
        """Begin nothing more, and wait for what is being done."""
        self._stopping = True
        self._wake.set()
        self._thread.join(patience_s)

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                pause = self._step()
            except Exception as error:  # noqa: BLE001 - a full disk must not end the service: it is tried again
                if not self._stopping:
                    logger.warning("%s; tried again", one_line(f"{type(error).__name__}: {error}"))
                pause = _AFTER_TROUBLE_S
            if pause is None or pause > 0:
                self._wake.wait(pause)


def predict_next(store: FilmStore, predictor: FilmPredictor, on_results: Callable[[], None]) -> float | None:
    """Have the next film predicted and keep its results.

    Returns:
        Seconds until there may be more to do; None if that is not known.
    """
    film = store.ledger.next_film()
    if film is None:
        return None
    try:
        results = predictor.results(store.film_file(film))
    except LostError:
        if store.ledger.count_loss(film) >= MOST_LOSSES:
            _fail(store, film, SET_ASIDE)
        return 0.0
    except BundleError:  # no film is at fault: tried again
        raise
    except (InputError, FailedError) as error:
        what = error.what if isinstance(error, InputError) else str(error)
        _fail(store, film, what)
        return 0.0
    store.keep_results(film, results)
    on_results()
    return 0.0


def send_next(store: FilmStore, outlet: Outlet) -> float | None:
    """Send the next result.

    Returns:
        Seconds until there may be more to do; None if that is not known.
    """
    result = store.ledger.next_result()
    if result is None:
        return None
    wait = result.next_try - time.time()
    if wait > 0:
        return wait
    try:
        outlet.send(result.file_name, store.result_content(result))
    except (NotSentError, InputError) as error:
        pause = pause_after(result.tries + 1)
        store.ledger.not_sent(result, one_line(str(error)), time.time() + pause)
        logger.warning("%s: not sent to %s: %s; again in %.0f s", result.file_name, outlet, error, pause)
        return 0.0
    store.ledger.sent(result, str(outlet))
    return 0.0


def _fail(store: FilmStore, film: StoredFilm, why: str) -> None:
    store.ledger.fail(film, why)
    logger.warning("%s: no results: %s", store.film_file(film).name, why)
