from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from cephsure.errors import FilmError
from cephsure.films import child, read
from cephsure.films.child import DecoderError, decode, end_children
from cephsure.films.film import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

# What the child is made to do instead of a film, in place of the task of rasters.
TASKS = """
import os, sys, time
import numpy as np
import cephsure.films.raster as raster
from cephsure.errors import FilmError

def task(data, limits, *, kind):
    if kind == "abort":
        os.abort()
    if kind == "wait":
        time.sleep(60)
    if kind == "compute":
        while True:
            pass
    if kind == "busy":  # as on a machine that is busy with others
        time.sleep(1.5)
    if kind == "eat":
        hoard = [np.ones(2**24) for _ in range(64)]
    if kind == "refuse":
        raise FilmError("no film", remedy="none")
    if kind == "raise":
        raise KeyError("odd\\nthing")
    if kind == "speak":
        print("on standard output"); os.write(2, b"on standard error")
    return np.frombuffer(data, np.uint8), {"pid": os.getpid()}

raster.decode_task = task
"""


@pytest.fixture
def tricks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Children whose task of rasters is the one above."""
    end_children()
    with_path = "import json, sys\nsys.path[:] = json.loads(sys.argv[1])\n" + TASKS
    main = "from cephsure.films.child_main import main\nmain()\n"
    monkeypatch.setattr(child, "_CODE", with_path + main)
    yield
    end_children()


def ask(kind: str, data: bytes = b"\x01\x02", **limits: Any) -> tuple[NDArray[Any], dict[str, Any]]:
    return decode("raster", data, replace(DEFAULT_LIMITS, **limits), kind=kind)


@pytest.mark.usefixtures("tricks")
def test_a_child_is_kept_for_the_next_film() -> None:
    array, said = ask("fine")
    assert array.tolist() == [1, 2]
    assert said["pid"] != os.getpid()
    assert ask("fine", b"\x03")[1] == said
    end_children()
    assert ask("fine")[1] != said


@pytest.mark.usefixtures("tricks")
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("abort", r"its decoder crashed, or took more than 0\.25 GiB"),
        ("eat", r"crashed, or took more than 0\.25 GiB|does not fit into memory"),
        ("compute", r"decoding it takes more than 0\.5 s"),
        ("wait", r"decoding it takes more than 0\.5 s"),
    ],
)
def test_a_crash_costs_one_film(kind: str, said: str) -> None:
    started = time.perf_counter()
    with pytest.raises(FilmError, match=said):
        ask(kind, max_decoding_s=0.5, max_decoding_bytes=2**28)
    assert time.perf_counter() - started < 30  # most of it may be the start on a busy machine
    assert ask("fine")[0].tolist() == [1, 2]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timer of computing time")
@pytest.mark.usefixtures("tricks")
def test_a_busy_machine_costs_no_film() -> None:
    assert ask("busy", max_decoding_s=0.5)[0].tolist() == [1, 2]
    # What the program ignores, its child does not.
    ignored = signal.signal(signal.SIGPROF, signal.SIG_IGN)
    try:
        end_children()
        with pytest.raises(FilmError, match="decoding it takes more than"):
            ask("compute", max_decoding_s=0.5)
    finally:
        signal.signal(signal.SIGPROF, ignored)


@pytest.mark.usefixtures("tricks")
def test_errors_come_through_and_the_child_stays(capfd: pytest.CaptureFixture[str]) -> None:
    pid = ask("speak")[1]["pid"]
    with pytest.raises(FilmError, match="no film") as caught:
        ask("refuse")
    assert caught.value.remedy == "none"
    with pytest.raises(DecoderError, match="odd"):
        ask("raise")
    assert ask("fine")[1]["pid"] == pid
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("tricks")
def test_threads_that_decode_at_once_have_children_of_their_own() -> None:
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda k: ask("fine", bytes([k] * 1000)), range(30)))
    assert [array.tolist() for array, _ in found] == [[k] * 1000 for k in range(30)]
    assert len(child._resting) <= child.KEPT


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.usefixtures("tricks")
def test_after_a_fork_each_process_has_its_own() -> None:
    mine = ask("fine")[1]["pid"]
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            os.write(writing, str(ask("fine")[1]["pid"]).encode())
            end_children()
        finally:
            os._exit(0)
    os.close(writing)
    assert os.waitpid(process, 0)[1] == 0
    theirs = int(os.read(reading, 100))
    os.close(reading)
    assert theirs != mine
    assert ask("fine")[1]["pid"] == mine


def test_a_program_without_an_interpreter_decodes_by_itself(
    monkeypatch: pytest.MonkeyPatch, grey8: NDArray[np.uint8], encode: Callable[..., bytes]
) -> None:
    data = encode(grey8, "TIFF", compression="tiff_lzw")
    expected = read(data).pixels
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(child, "_Child", lambda: pytest.fail("was started"))
    np.testing.assert_array_equal(read(data).pixels, expected)


def test_children_end_with_the_program(
    tmp_path: Path, grey8: NDArray[np.uint8], encode: Callable[..., bytes]
) -> None:
    film = tmp_path / "film.tif"
    film.write_bytes(encode(grey8, "TIFF", compression="tiff_lzw"))
    code = (
        "import os, sys\nfrom cephsure.films import read, child\nread(sys.argv[1])\n"
        "print(child._resting[0]._process.pid, flush=True)\n"
        "os._exit(0) if sys.argv[2] == 'kill' else None\n"
    )
    for how in ("end", "kill"):
        command = [sys.executable, "-W", "error", "-c", code, str(film), how]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        pid = int(done.stdout)
        for _ in range(100):
            if not _is_running(pid):
                break
            time.sleep(0.1)
        assert not _is_running(pid)


def _is_running(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody has waited for does not."""
    try:
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return False
    return status.rsplit(")", 1)[1].split()[0] != "Z"


def test_other_threads_keep_their_standard_error(
    grey8: NDArray[np.uint8], encode: Callable[..., bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    data = encode(grey8, "TIFF", compression="tiff_lzw")
    read(data)
    is_over = threading.Event()

    def speak() -> int:
        count = 0
        while not is_over.is_set() or count < 10:
            os.write(2, b"x")
            count += 1
            time.sleep(0.0005)
        return count

    with ThreadPoolExecutor(1) as pool:
        spoken = pool.submit(speak)
        for _ in range(20):
            read(data)
        is_over.set()
        count = spoken.result()
    assert capfd.readouterr().err == "x" * count


def test_a_child_that_cannot_start_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    end_children()
    monkeypatch.setattr(child, "_CODE", "raise SystemExit")
    with pytest.raises(FilmError, match="the process that decodes such films could not be started"):
        ask("fine")
    assert not child._resting


@pytest.mark.usefixtures("tricks")
def test_an_interrupted_child_gives_nobody_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    first = ask("fine")[1]["pid"]
    received = child.receive

    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(child, "receive", interrupt)
    with pytest.raises(KeyboardInterrupt):
        ask("fine", b"\x07")
    monkeypatch.setattr(child, "receive", received)
    array, said = ask("fine", b"\x08")
    assert array.tolist() == [8]
    assert said["pid"] != first
