"""Takes films over DICOM (C-STORE): acknowledged is what is on the disk, nothing else."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from pydicom.dataset import Dataset
from pynetdicom import evt
from pynetdicom.ae import ApplicationEntity
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from cephsure.errors import InputError
from cephsure.pacs.film_classes import FILM_CLASSES, TRANSFER_SYNTAXES
from cephsure.pacs.store import Refusal, RefusedError, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from cephsure.pacs.store import FilmStore

logger = logging.getLogger(__name__)

SUCCESS, OUT_OF_RESOURCES, DOES_NOT_MATCH, REFUSED, FAILED = 0x0000, 0xA700, 0xA900, 0xC001, 0xC002
_STATUS = {
    Refusal.TOO_LARGE: OUT_OF_RESOURCES,
    Refusal.FULL: OUT_OF_RESOURCES,
    Refusal.OTHER_UID: DOES_NOT_MATCH,
    Refusal.OTHER_CONTENT: REFUSED,
}
MOST_ASSOCIATIONS = 10
_PATIENCE_S = 60.0


class Receiver:
    """An application entity that stores films.

    Args:
        store: where.
        ae: its title.
        allowed: titles of who may send; any if empty.
        most_bytes: of one film.
        on_film: is called after each new film.
    """

    def __init__(
        self,
        store: FilmStore,
        *,
        ae: str,
        allowed: tuple[str, ...],
        most_bytes: int,
        on_film: Callable[[], None],
    ) -> None:
        self._store, self._most_bytes, self._on_film = store, most_bytes, on_film
        self._entity = ApplicationEntity(ae_title=ae)
        self._entity.require_called_aet = True
        self._entity.require_calling_aet = list(allowed)
        self._entity.maximum_associations = MOST_ASSOCIATIONS
        self._entity.network_timeout = self._entity.dimse_timeout = _PATIENCE_S
        self._entity.add_supported_context(Verification)
        for each in FILM_CLASSES:
            self._entity.add_supported_context(each, list(TRANSFER_SYNTAXES))
        self._server: Any = None
        logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)  # its lines repeat what a film says

    def start(self, host: str, port: int) -> int:
        """Listen, and give the port; 0 takes a free one.

        Raises:
            InputError: it cannot.
        """
        handlers: list[Any] = [(evt.EVT_C_STORE, self._store_film), (evt.EVT_DATA_RECV, self._count)]
        handlers.append((evt.EVT_DIMSE_RECV, self._count_anew))
        try:
            self._server = self._entity.start_server((host, port), block=False, evt_handlers=handlers)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(
                f"cannot listen on port {port} of {host}: {reason}", remedy="give another --port, or 0"
            ) from error
        return int(self._server.server_address[1])

    def stop(self) -> None:
        """Take nothing more; what is being sent is broken off, and was not acknowledged."""
        self._entity.shutdown()

    def _count(self, event: evt.Event) -> None:
        """End an association whose film is larger than any: it is gathered in memory until it is whole."""
        association: Any = event.assoc
        counted = getattr(association, "cephsure_bytes", 0) + len(event.data)
        association.cephsure_bytes = counted
        if counted > self._most_bytes:
            logger.warning("a film of more than %.0f MB was broken off", self._most_bytes / 1e6)
            association.abort()

    @staticmethod
    def _count_anew(event: evt.Event) -> None:
        association: Any = event.assoc
        association.cephsure_bytes = 0

    def _store_film(self, event: evt.Event) -> int | Dataset:
        """Store a film and say so, or say why not."""
        try:
            request: Any = event.request
            data_set, content = event.encoded_dataset(include_meta=False), event.encoded_dataset()
            if len(content) > self._most_bytes:
                raise RefusedError(Refusal.TOO_LARGE)  # noqa: TRY301 - answered as all refusals are
            digest = digest_of(str(event.context.transfer_syntax), data_set)
            is_new = self._store.receive(str(request.AffectedSOPInstanceUID), content, digest)
        except RefusedError as error:
            logger.warning("a film was refused: %s", error)
            return _answer(_STATUS[error.refusal], str(error))
        except InputError as error:  # the ledger cannot be written
            logger.warning("a film could not be stored: %s", error)
            return _answer(OUT_OF_RESOURCES, "the queue cannot be written")
        except Exception as error:  # noqa: BLE001 - whatever it is, the film is not acknowledged
            logger.warning("a film could not be stored: %s", type(error).__name__)
            return _answer(FAILED, "the service failed")
        if is_new:
            self._on_film()
        return SUCCESS


def _answer(status: int, comment: str) -> Dataset:
    answer = Dataset()
    answer.Status = status
    answer.ErrorComment = comment
    return answer
