from __future__ import annotations

import io
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from cephsure.errors import FilmError
from cephsure.films import child_main
from cephsure.films.child_main import serve, task_of
from cephsure.films.film import DEFAULT_LIMITS, ReadLimits
from cephsure.films.messages import receive, send

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

GIB = 2**30


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """The limits that a child would have set itself, in their order; this process sets none."""
    seen: list[tuple[str, Any]] = []
    monkeypatch.setattr(child_main, "_limit_memory", lambda most: seen.append(("memory", most)))
    monkeypatch.setattr(child_main, "_limit_time", lambda *seconds: seen.append(("time", seconds)))
    monkeypatch.setattr(child_main, "_taken_bytes", lambda: GIB)
    return seen


def answers_to(*tasks: tuple[dict[str, Any], bytes]) -> list[tuple[dict[str, Any], bytes]]:
    asked, answered = io.BytesIO(), io.BytesIO()
    for note, body in tasks:
        send(asked, note, body)
    asked.seek(0)
    serve(asked, answered)
    answered.seek(0)
    found = []
    while (answer := receive(answered, most_bytes=2**20)) is not None:
        found.append((answer[0], bytes(answer[1])))
    return found


def task(data: bytes, limits: ReadLimits = DEFAULT_LIMITS, **options: Any) -> tuple[dict[str, Any], bytes]:
    return {"what": "raster", "limits": asdict(limits), "options": options}, data


def test_a_film_is_decoded_within_its_limits(
    limited: list[tuple[str, Any]], grey8: NDArray[np.uint8], encode: Callable[..., bytes]
) -> None:
    data = encode(grey8, "TIFF", compression="tiff_lzw")
    limits = ReadLimits(max_decoding_s=2.0, max_decoding_bytes=5)
    ready, (note, body) = answers_to(({"prepare": "raster"}, b""), task(data, limits, kind="TIFF"))
    assert ready == ({}, b"")
    pixels = np.frombuffer(body, note["dtype"]).reshape(note["shape"])
    np.testing.assert_allclose(pixels, grey8 / 255, atol=1e-6)
    assert note["said"] == {"notes": []}
    waiting = (2.0, limits.max_waiting_s + child_main._GRACE_S)
    assert limited == [("memory", None), ("memory", GIB + 5), ("time", waiting), ("time", (0, 0))]


@pytest.mark.usefixtures("limited")
@pytest.mark.parametrize(
    ("raised", "answer"),
    [
        (FilmError("no film", remedy="none"), {"error": "no film", "remedy": "none"}),
        (MemoryError(), {"error": "the image does not fit into memory", "remedy": None}),
        (KeyError(), {"failure": "KeyError"}),
        (ValueError("x" * 2000), {"failure": "x" * 1000}),
    ],
)
def test_what_goes_wrong_is_said_and_the_next_task_answered(
    monkeypatch: pytest.MonkeyPatch, raised: Exception, answer: dict[str, Any]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise raised

    monkeypatch.setattr("cephsure.films.raster.decode_task", fail)
    assert answers_to(task(b"1"), task(b"2")) == [(answer, b"")] * 2


def test_each_task_has_its_function() -> None:
    from cephsure.films import dicom_pixels, raster

    assert task_of("raster") is raster.decode_task
    assert task_of("dicom") is dicom_pixels.decode_task


def test_the_memory_that_is_limited_is_address_space(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource", reason="this system limits no process")
    seen = {}
    monkeypatch.setattr(resource, "getrlimit", lambda _: (7, 9))
    monkeypatch.setattr(resource, "setrlimit", lambda what, limits: seen.update({what: limits}))
    child_main._limit_memory(5)
    assert seen == {resource.RLIMIT_AS: (5, 9), resource.RLIMIT_CORE: (0, 0)}
    child_main._limit_memory(None)
    assert seen[resource.RLIMIT_AS] == (9, 9)

    def refuse(*_: Any) -> None:
        raise ValueError("above the hard limit")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    child_main._limit_memory(5)  # the limit of time holds alone then


def test_the_time_that_is_limited_is_computing_and_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    import signal

    if not hasattr(signal, "setitimer"):
        pytest.skip("this system has no timers")
    seen = {}
    monkeypatch.setattr(signal, "setitimer", lambda which, seconds: seen.update({which: seconds}))
    child_main._limit_time(4.5, 60)
    assert seen == {signal.ITIMER_PROF: 4.5, signal.ITIMER_REAL: 60}


def test_the_address_space_that_is_taken_is_told_or_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    from pathlib import Path

    taken = child_main._taken_bytes()
    assert taken == 0 or taken > 10 * 2**20

    def absent(*_: Any, **__: Any) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", absent)
    assert child_main._taken_bytes() == 0


def test_a_note_is_json(limited: list[tuple[str, Any]]) -> None:
    del limited
    (note, _), *_ = answers_to(task(b"no film", kind="TIFF"))
    assert json.loads(json.dumps(note)) == note
    assert "error" in note or "failure" in note
