"""Messages between a program and its decoding process: a note that JSON can hold, and bytes."""

from __future__ import annotations

import json
import struct
from typing import IO, Any

_HEAD = struct.Struct(">IQ")  # lengths of note and bytes
_MAX_NOTE_BYTES = 2**20


def send(stream: IO[bytes], note: dict[str, Any], body: bytes | memoryview = b"") -> None:
    """Write a message: a note that JSON can hold, and bytes."""
    head = json.dumps(note).encode()
    stream.write(_HEAD.pack(len(head), len(body)) + head)
    stream.write(body)
    stream.flush()


def receive(stream: IO[bytes], *, most_bytes: int) -> tuple[dict[str, Any], bytearray] | None:
    """Read a message; None where the stream ends or does not hold one."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    note_bytes, body_bytes = _HEAD.unpack(head)
    if note_bytes > _MAX_NOTE_BYTES or body_bytes > most_bytes:
        return None
    note = stream.read(note_bytes)
    if len(note) < note_bytes:
        return None
    body, filled = bytearray(body_bytes), 0
    view = memoryview(body)
    while filled < body_bytes:
        read = stream.readinto(view[filled:])  # type: ignore[attr-defined]
        if not read:
            return None
        filled += read
    return json.loads(note), body
