from __future__ import annotations

import io

import pytest

from cephsure.films.messages import receive, send


def message() -> bytes:
    stream = io.BytesIO()
    send(stream, {"shape": [2, 1], "said": "ä"}, b"\x00\xff")
    return stream.getvalue()


def test_a_message_comes_as_it_was_sent() -> None:
    stream = io.BytesIO(message() + message())
    for _ in range(2):
        assert receive(stream, most_bytes=2) == ({"shape": [2, 1], "said": "ä"}, bytearray(b"\x00\xff"))
    assert receive(stream, most_bytes=2) is None


@pytest.mark.parametrize("end", range(len(message())))
def test_a_message_that_breaks_off_is_none(end: int) -> None:
    assert receive(io.BytesIO(message()[:end]), most_bytes=2) is None


def test_more_bytes_than_wanted_are_not_taken() -> None:
    assert receive(io.BytesIO(message()), most_bytes=1) is None
    assert receive(io.BytesIO(b"\xff" * 20), most_bytes=10**9) is None
