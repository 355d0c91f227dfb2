"""What a request sends: a form with a film, or JSON that names one; within limits of size and time."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from cephsure.errors import InputError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Message, Receive

FORM, JSON = "multipart/form-data", "application/json"
FILM_FIELD = "film"
_MOST_JSON_BYTES = 64 * 1024
_MOST_FIELDS, _MOST_FIELD_BYTES = 32, 4096
_FORM_BYTES = 64 * 1024
"""What a form may have besides its film: fields and the lines between."""
_IN_MEMORY_BYTES = 64 * 1024
"""Of a film that is sent; a larger one lies in a temporary file, so that many at once need no memory."""
_PIECE = 2**20


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """What a request may send.

    Attributes:
        most_bytes: of a film.
        grace_s: a client may take as long before its rate is looked at.
        bytes_per_s: and must keep up this rate, on the whole, after that; a slower one is cut off.
    """

    most_bytes: int = 200 * 2**20
    grace_s: float = 10.0
    bytes_per_s: float = 50_000.0


@dataclass(frozen=True, slots=True)
class Received:
    """What was sent: one film, or the path of one, and the options.

    Attributes:
        film: the content; it lies in memory or in a temporary file without a name.
        digest: of all that was sent, to know the same request again.
    """

    film: BinaryIO | None
    path: str | None
    fields: dict[str, Any]
    digest: bytes


@contextlib.asynccontextmanager
async def received(request: Request, limits: UploadLimits) -> AsyncIterator[Received]:
    """Receive what a request sends; it is there until the context ends.

    Raises:
        HTTPException: it is too large (413), too slow (408), or of another type (415).
        InputError: it is no form with one film, or no JSON with a path.
        ClientDisconnect: the client went away.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (FORM, JSON):
        raise HTTPException(415, f"what is sent must be {FORM} with a film, or {JSON} with its path")
    most_bytes = limits.most_bytes + _FORM_BYTES if kind == FORM else _MOST_JSON_BYTES
    _check_length(request.headers.get("content-length"), most_bytes)
    limited = Request(request.scope, _limited(request.receive, limits, most_bytes))
    if kind == JSON:
        yield _of_json(await limited.body())
        return
    parts = await _form(limited)
    try:
        yield await _of_form(parts)
    finally:
        await parts.close()


async def _of_form(parts: FormData) -> Received:
    """One film and options; its file's name is not looked at: it may say anything, a patient's name too."""
    files = [value for name, value in parts.multi_items() if name == FILM_FIELD]
    if len(files) != 1 or not isinstance(files[0], UploadFile):
        raise InputError(f"the form has no file {FILM_FIELD!r}", remedy=f"curl -F {FILM_FIELD}=@film.png")
    names = [name for name, _ in parts.multi_items()]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"the form has {twice[0]!r} twice")
    fields = {name: value for name, value in parts.items() if isinstance(value, str)}
    film = files[0].file
    return Received(film, None, fields, await asyncio.to_thread(_digest, film, fields))


async def _form(request: Request) -> FormData:
    """The parts of a form; `InputError` where it is none."""
    parser = MultiPartParser(
        request.headers,
        request.stream(),
        max_files=1,
        max_fields=_MOST_FIELDS,
        max_part_size=_MOST_FIELD_BYTES,
    )
    parser.spool_max_size = _IN_MEMORY_BYTES
    try:
        return await parser.parse()
    except MultiPartException as error:
        raise InputError(error.message) from None


def _of_json(body: bytes) -> Received:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise InputError("what was sent is not JSON") from None
    if not isinstance(fields, dict) or not isinstance(path := fields.pop("path", None), str):
        raise InputError("JSON must be an object with the path of a film", remedy='{"path": "/films/a.dcm"}')
    return Received(None, path, fields, hashlib.sha256(body).digest())


def _digest(film: BinaryIO, fields: dict[str, str]) -> bytes:
    found = hashlib.sha256(json.dumps(fields, sort_keys=True).encode())
    film.seek(0)
    while piece := film.read(_PIECE):
        found.update(piece)
    film.seek(0)
    return found.digest()


def _check_length(stated: str | None, most_bytes: int) -> None:
    if stated is not None and (not stated.isdecimal() or len(stated) > 15 or int(stated) > most_bytes):
        raise HTTPException(413, _too_large(most_bytes))


def _too_large(most_bytes: int) -> str:
    return f"what is sent is larger than {most_bytes / 2**20:.3g} MiB"


def _limited(receive: Receive, limits: UploadLimits, most_bytes: int) -> Receive:
    """Count what is received and how long it takes, whatever the headers say of it."""
    loop = asyncio.get_running_loop()
    began, seen = loop.time(), 0

    async def limited() -> Message:
        nonlocal seen
        end = began + limits.grace_s + seen / limits.bytes_per_s
        try:
            async with asyncio.timeout_at(end):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, "the film came too slowly") from None
        seen += len(message.get("body", b""))
        if seen > most_bytes:
            raise HTTPException(413, _too_large(most_bytes))
        return message

    return limited


async def unless_gone(request: Request, work: asyncio.Task[bytes]) -> bytes:
    """What some work gives; it is cancelled when the client goes away.

    Raises:
        ClientDisconnect: the client went away.
    """
    gone = asyncio.create_task(_gone(request))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise ClientDisconnect
        return work.result()
    finally:
        for task in (work, gone):
            task.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
