"""What an archive is told of who asks: from the environment or a file, never from the command line."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from requests.auth import AuthBase, HTTPBasicAuth

from cephsure.errors import InputError
from cephsure.review.access import is_loopback
from cephsure.text_files import read_text

if TYPE_CHECKING:
    from pathlib import Path

    from requests import PreparedRequest

VARIABLE = "CEPHSURE_DICOMWEB"
_MOST_BYTES = 16_384


class BearerToken(AuthBase):
    """A token in each request's head."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Add it."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def __repr__(self) -> str:
        return "BearerToken(...)"


def credentials(url: str, file: Path | None = None) -> AuthBase | None:
    """Who asks: ``user:password`` or a token, from a file or the variable `VARIABLE`; None for nobody.

    Raises:
        InputError: they cannot be read, would be sent so that others can read them, or stand in the address.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(
            "is no address of DICOMweb", where=_without_user(url), remedy="such as https://host/dicom-web"
        )
    if parts.username or parts.password:
        raise InputError(
            "has a user or a password in it, which the shell's history keeps",
            where=_without_user(url),
            remedy=f"give --credentials FILE, or set the variable {VARIABLE}",
        )
    said = os.environ.get(VARIABLE, "") if file is None else read_text(file, most_bytes=_MOST_BYTES)
    said = said.strip()
    if not said:
        if file is not None:
            raise InputError("holds no credentials", where=file, remedy="one line: user:password, or a token")
        return None
    if not said.isprintable():
        where = VARIABLE if file is None else file
        raise InputError(
            "holds more than one line", where=where, remedy="one line: user:password, or a token"
        )
    if parts.scheme == "http" and not (is_loopback(parts.hostname) or parts.hostname == "localhost"):
        raise InputError(
            "would get the credentials unencrypted",
            where=url,
            remedy="ask by https://, or without credentials",
        )
    user, colon, password = said.partition(":")
    return HTTPBasicAuth(user.encode(), password.encode()) if colon else BearerToken(said)


def _without_user(url: str) -> str:
    return url.rpartition("@")[2]
