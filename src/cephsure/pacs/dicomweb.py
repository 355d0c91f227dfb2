"""Films and results over DICOMweb: found (QIDO-RS), fetched (WADO-RS), stored (STOW-RS)."""

from __future__ import annotations

import io
import logging
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests
from dicomweb_client.web import DICOMwebClient
from pydicom import dcmread
from pydicom.uid import UID

from cephsure.errors import InputError
from cephsure.films.film import DEFAULT_LIMITS
from cephsure.films.third_party import captured_warnings
from cephsure.pacs.credentials import credentials
from cephsure.pacs.durable import store_file
from cephsure.pacs.film_classes import FILM_CLASSES
from cephsure.pacs.store import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from pydicom.dataset import FileDataset

_CONNECT_S, _ANSWER_S = 10.0, 120.0
_PAGE, _MOST_PAGES = 1000, 20
_MOST_OF_A_PART = DEFAULT_LIMITS.max_file_bytes + 2**20
_SOP_CLASS, _INSTANCE, _SERIES = "00080016", "00080018", "0020000E"
_REFUSALS = {401: "asks for credentials", 403: "refuses these credentials", 404: "has nothing there"}


@dataclass(frozen=True, slots=True)
class Found:
    """An instance that an archive has."""

    study_uid: str
    series_uid: str
    instance_uid: str
    sop_class: str


class _Session(requests.Session):
    """A session that trusts the certificates of a file, whatever the environment names."""

    trusted: str | None = None

    def merge_environment_settings(self, *arguments: Any) -> dict[str, Any]:
        """As ``requests`` does it, but for the file."""
        settings: dict[str, Any] = super().merge_environment_settings(*arguments)
        return settings if self.trusted is None else {**settings, "verify": self.trusted}


class Archive:
    """An archive that speaks DICOMweb.

    Args:
        url: of its DICOMweb service.
        credentials_file: see `cephsure.pacs.credentials`.
        ca_file: certificates that are trusted instead of the usual authorities; verification is always on.

    Raises:
        InputError: address or credentials cannot be used.
    """

    def __init__(
        self, url: str, *, credentials_file: Path | None = None, ca_file: Path | None = None
    ) -> None:
        self._url = url
        session = _Session()
        session.auth = credentials(url, credentials_file)
        if ca_file is not None:
            if not ca_file.is_file():
                raise InputError("there is no such file of certificates", where=ca_file)
            session.trusted = str(ca_file)
        logging.getLogger("dicomweb_client").setLevel(logging.CRITICAL)  # its lines repeat what was asked
        try:
            self._client = DICOMwebClient(
                url.rstrip("/"), session=session, callback=_check_size, timeout=(_CONNECT_S, _ANSWER_S)
            )
        except ValueError as error:
            raise InputError("is no address of DICOMweb", where=url) from error
        self._client.set_http_retry_params(retry=False)

    def search(self, study_uid: str, *, films_only: bool = True) -> list[Found]:
        """The instances of a study; of all classes unless only films are asked for.

        Raises:
            InputError: the archive does not answer as it should.
        """
        if not UID(study_uid).is_valid:
            raise InputError(f"{study_uid!r} is no Study Instance UID")
        found: dict[str, Found] = {}
        with _answers_of(self._url):
            for _ in range(_MOST_PAGES):  # an archive may have a limit of its own, or answer for ever
                rows = self._client.search_for_instances(
                    study_instance_uid=study_uid, limit=_PAGE, offset=len(found)
                )
                known = len(found)
                for row in rows:
                    uid = _value(row, _INSTANCE)
                    found[uid] = Found(study_uid, _value(row, _SERIES), uid, _value(row, _SOP_CLASS))
                if len(found) == known:
                    break
        return [each for each in found.values() if not films_only or each.sop_class in FILM_CLASSES]

    def fetch(self, found: Found) -> bytes:
        """An instance as a DICOM file, in the transfer syntax that the archive has it in.

        Raises:
            InputError: the archive does not give it.
        """
        with _answers_of(self._url):
            dataset = self._client.retrieve_instance(found.study_uid, found.series_uid, found.instance_uid)
            if str(dataset.SOPInstanceUID) != found.instance_uid:
                raise InputError("gave another instance than was asked for", where=self._url)
            stream = io.BytesIO()
            dataset.save_as(stream, enforce_file_format=True)
        return stream.getvalue()

    def store(self, dataset: FileDataset) -> None:
        """Store an object.

        Raises:
            InputError: the archive does not take it.
        """
        with _answers_of(self._url):
            answer = self._client.store_instances([dataset])
            failed = answer.get("FailedSOPSequence")
        if failed:
            reason = failed[0].get("FailureReason")
            code = "" if reason is None else f" with reason {int(reason):04X}"
            raise InputError(f"did not take it{code}", where=self._url)


def pull(
    archive: Archive,
    studies: Iterable[str],
    folder: Path,
    *,
    films_only: bool = True,
    on_file: Callable[[Path], None] = lambda _: None,
) -> list[Path]:
    """Fetch studies into a folder; each file is named by a digest of its UID, by nothing of the patient's.

    Raises:
        InputError: a study has no film, the archive does not answer, or a file cannot be written.
    """
    written = []
    for study in studies:
        found = archive.search(study, films_only=films_only)
        if not found:
            what = "films" if films_only else "objects"
            raise InputError(f"the archive has no {what} of study {study}")
        for each in found:
            path = folder / f"{name_of(each.instance_uid)}.dcm"
            content = archive.fetch(each)
            try:
                folder.mkdir(parents=True, exist_ok=True)
                store_file(path, content)
            except OSError as error:
                raise InputError(f"cannot be written: {error.strerror or error}", where=path) from error
            written.append(path)
            on_file(path)
    return written


def push(archive: Archive, file: Path) -> None:
    """Store a DICOM file in an archive.

    Raises:
        InputError: it is none, or the archive does not take it.
    """
    try:
        with captured_warnings():
            dataset = dcmread(file)
    except OSError as error:
        raise InputError(error.strerror or "cannot be read", where=file) from error
    except Exception as error:
        raise InputError("is no DICOM file", where=file) from error
    try:
        archive.store(dataset)
    except InputError as error:
        raise InputError(f"not stored: {error}", where=file) from error


def files_of(arguments: Sequence[Path]) -> Iterator[Path]:
    """Files as they are named, and of folders the DICOM files (``.dcm``) directly in them.

    Raises:
        InputError: a folder holds none.
    """
    for path in arguments:
        if not path.is_dir():
            yield path
            continue
        files = sorted(path.glob("*.dcm"))
        if not files:
            raise InputError("holds no .dcm files", where=path)
        yield from files


def _value(row: dict[str, Any], tag: str) -> str:
    return str(row[tag]["Value"][0])


def _check_size(response: requests.Response, *_: Any, **__: Any) -> None:
    """Refuse an answer that is larger than any film before it is read."""
    size = response.headers.get("Content-Length", "")
    if size.isdecimal() and int(size) > _MOST_OF_A_PART:
        response.close()
        raise InputError(f"an answer of {int(size) / 1e6:.0f} MB is larger than a film", where="archive")


@contextmanager
def _answers_of(url: str) -> Iterator[None]:
    """What goes wrong with an archive becomes the user's error: which archive, and what; no answer's text."""
    try:
        with captured_warnings():
            yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(_said(error), where=url, remedy=_remedy(error)) from error


def _said(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"the archive {_REFUSALS.get(response.status_code, f'answers {response.status_code}')}"
    if isinstance(error, requests.exceptions.SSLError):
        return "the archive's certificate is not trusted"
    if isinstance(error, requests.RequestException) and not isinstance(error, ValueError):
        return "the archive does not answer"
    return "the archive does not answer as DICOMweb does"


def _remedy(error: Exception) -> str | None:
    if isinstance(error, requests.exceptions.SSLError):
        return "give --ca FILE with the certificate of who signed it"
    return None
