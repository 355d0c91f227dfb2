"""The service's folder: films as they arrived, results as they were made; each is named by a digest of a UID.

```
FOLDER/cephsure-dicom.sqlite   what arrived, what was found, what was sent
FOLDER/films/DIGEST.dcm        a film, as it arrived
FOLDER/results/DIGEST.sr.dcm   its structured report; .gsps.dcm its presentation state
FOLDER/out/                    results, where they are sent to nobody
```
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import threading
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from pydicom.filereader import dcmread

from cephsure.errors import InputError
from cephsure.films.third_party import captured_warnings
from cephsure.pacs.durable import clear_parts, store_file, sync_folder
from cephsure.pacs.ledger import Ledger, MadeResult

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydicom.dataset import Dataset

    from cephsure.pacs.ledger import Kind, StoredFilm, StoredResult

GIGABYTE = 10**9


class Refusal(Enum):
    """Why a film is not stored; at most the 64 characters of an Error Comment."""

    TOO_LARGE = "the film is larger than any that is read"
    FULL = "the quota is used up, or the disk is full"
    OTHER_CONTENT = "another content is stored under this UID and stays"
    OTHER_UID = "the data set states another SOP Instance UID"


class RefusedError(Exception):
    """A film is not stored."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class ResultObject:
    """An object of ours, as a DICOM file."""

    kind: Kind
    instance_uid: str
    content: bytes


class FilmStore:
    """The folder and its ledger."""

    def __init__(self, folder: Path, ledger: Ledger, *, quota_bytes: int) -> None:
        self.folder, self.ledger, self.quota_bytes = folder, ledger, quota_bytes
        self.films, self.results, self.out = (folder / name for name in ("films", "results", "out"))
        self._turn = threading.Lock()

    @classmethod
    def open(cls, folder: Path, *, quota_bytes: int) -> FilmStore:
        """Open the folder, which is made if it is absent, for its owner alone.

        What a service left half done when it was killed is cleared away: files that no one was told of.

        Raises:
            InputError: it cannot be written to, or holds something else.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            store = cls(folder, Ledger.open(folder), quota_bytes=quota_bytes)
            store.ledger.path.chmod(0o600)
            for place in (store.films, store.results, store.out):
                place.mkdir(exist_ok=True, mode=0o700)
                clear_parts(place)
            sync_folder(folder)
        except OSError as error:
            raise InputError(f"cannot be written: {error.strerror or error}", where=folder) from error
        return store

    def receive(self, instance_uid: str, content: bytes, sha256: str) -> bool:
        """Store a film; it and its entry are on the disk when this returns.

        Args:
            instance_uid: by which it was sent.
            content: the DICOM file.
            sha256: its `digest_of`.

        Returns:
            Whether it is new; False where the same was stored before.

        Raises:
            RefusedError: it is not stored.
        """
        with self._turn:
            known = self.ledger.film(instance_uid)
            if known is not None:
                if known.sha256 == sha256 or self._has_same_content(known, content):
                    return False
                raise RefusedError(Refusal.OTHER_CONTENT)
            if _stated_uid(content) not in (None, instance_uid):
                raise RefusedError(Refusal.OTHER_UID)
            if self.ledger.stored_bytes() + len(content) > self.quota_bytes:
                raise RefusedError(Refusal.FULL)
            name = name_of(instance_uid)
            try:
                store_file(self.films / f"{name}.dcm", content)
                self.ledger.add_film(name=name, instance_uid=instance_uid, sha256=sha256, size=len(content))
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise RefusedError(Refusal.FULL) from error
                raise
        return True

    def film_file(self, film: StoredFilm) -> Path:
        """Where a film lies."""
        return self.films / f"{film.name}.dcm"

    def keep_results(self, film: StoredFilm, objects: Sequence[ResultObject]) -> None:
        """Store a film's results; they are on the disk, with their UIDs, when this returns."""
        for each in objects:
            store_file(self.results / f"{film.name}.{each.kind}.dcm", each.content)
        self.ledger.add_results(
            film,
            [
                MadeResult(each.kind, each.instance_uid, hashlib.sha256(each.content).hexdigest())
                for each in objects
            ],
        )

    def result_content(self, result: StoredResult) -> bytes:
        """A result's DICOM file as it was made.

        Raises:
            InputError: it is gone or was changed since.
        """
        path = self.results / result.file_name
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror or error}", where=path) from error
        if hashlib.sha256(content).hexdigest() != result.sha256:
            raise InputError("was changed since it was made", where=path)
        return content

    def _has_same_content(self, film: StoredFilm, content: bytes) -> bool:
        """Whether a film is the stored one in another transfer syntax of the same values."""
        with contextlib.suppress(Exception), captured_warnings():  # whatever pydicom makes of damaged content
            stored = dcmread(self.film_file(film))
            sent = dcmread(io.BytesIO(content))
            syntaxes = {each.file_meta.TransferSyntaxUID for each in (stored, sent)}
            return len(syntaxes) > 1 and _values(stored) == _values(sent)
        return False


def _values(dataset: Dataset) -> dict[int, Any]:
    """A data set's values by their tags: how each is represented differs by transfer syntax."""
    return {int(element.tag): element.value for element in dataset}


def name_of(instance_uid: str) -> str:
    """What a film is called here: no name of a patient, and not the UID by which others know it."""
    return hashlib.sha256(instance_uid.encode("ascii", "replace")).hexdigest()[:32]


def digest_of(transfer_syntax: str, data_set: bytes) -> str:
    """A digest of what a film says: without the meta group, which differs by who sent it."""
    return hashlib.sha256(transfer_syntax.encode() + b"\0" + data_set).hexdigest()


def _stated_uid(content: bytes) -> str | None:
    """The SOP Instance UID that a data set itself states; None where it cannot be read."""
    with contextlib.suppress(Exception), captured_warnings():
        header = dcmread(io.BytesIO(content), stop_before_pixels=True, specific_tags=["SOPInstanceUID"])
        return str(header.SOPInstanceUID) if "SOPInstanceUID" in header else None
    return None
