"""Sends results: to a DICOM peer by C-STORE, or into a folder."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Protocol

from pydicom import dcmread
from pynetdicom.ae import ApplicationEntity

from cephsure.pacs.durable import store_file

if TYPE_CHECKING:
    from pathlib import Path

    from pynetdicom.association import Association

    from cephsure.pacs.peers import Peer

_CONNECT_S, _ANSWER_S = 10.0, 60.0
_WARNINGS = range(0xB000, 0xC000)
_NO_ANSWER = "the peer did not answer"
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 600.0


class NotSentError(Exception):
    """Something was not taken; the text says why, without anything of the patient's."""


class Outlet(Protocol):
    """Where results go."""

    def send(self, name: str, content: bytes) -> None:
        """Send an object, and return when it is acknowledged; raise `NotSentError` if it is not."""
        ...


class FolderOutlet:
    """A folder; each object is a file, named as it is in the folder of results."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __str__(self) -> str:
        return self._folder.name

    def send(self, name: str, content: bytes) -> None:
        """Write the object."""
        try:
            store_file(self._folder / name, content)
        except OSError as error:
            raise NotSentError(f"cannot be written: {error.strerror or error}") from error


class PeerOutlet:
    """A DICOM peer; what it acknowledges is sent. An object sent twice has the same UID and bytes."""

    def __init__(self, peer: Peer, *, own_title: str) -> None:
        self._peer, self._own_title = peer, own_title

    def __str__(self) -> str:
        return str(self._peer)

    def send(self, name: str, content: bytes) -> None:
        """Send the object."""
        del name
        dataset = dcmread(io.BytesIO(content))
        entity = ApplicationEntity(ae_title=self._own_title)
        entity.connection_timeout = entity.acse_timeout = _CONNECT_S
        entity.dimse_timeout = entity.network_timeout = _ANSWER_S
        entity.add_requested_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
        association = entity.associate(self._peer.host, self._peer.port, ae_title=self._peer.ae)
        if not association.is_established:
            raise NotSentError(_why_no_association(association))
        try:
            answer = association.send_c_store(dataset)
        except (ValueError, RuntimeError) as error:  # it broke off just now
            raise NotSentError(_NO_ANSWER) from error
        finally:
            association.release()
        status = answer.get("Status")
        if status is None:
            raise NotSentError(_NO_ANSWER)
        if status and status not in _WARNINGS:
            raise NotSentError(f"the peer refused it with status {status:04X}")


def pause_after(tries: int) -> float:
    """Seconds to wait after so many failed tries: 2, 4, 8, ... up to ten minutes.

    Examples:
        >>> [pause_after(tries) for tries in (1, 2, 3, 9, 10, 1000)]
        [2.0, 4.0, 8.0, 512.0, 600.0, 600.0]
    """
    return float(min(FIRST_PAUSE_S * 2 ** min(tries - 1, 20), LONGEST_PAUSE_S))


def _why_no_association(association: Association) -> str:
    if association.is_rejected:
        return "the peer rejected the association: does it know our AE title and host?"
    if association.rejected_contexts:
        return "the peer does not take objects of this class"
    return "the peer cannot be reached"
