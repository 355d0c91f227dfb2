from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from cephsure.errors import InputError
from cephsure.training import run_lock as module
from cephsure.training.run_lock import LOCK_FILE, hold

HOLDER = """
import sys, time
from pathlib import Path
from cephsure.training.run_lock import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def held_elsewhere(folder, seconds=60.0):
    """A process that works in a folder."""
    command = [sys.executable, "-c", HOLDER, str(folder), str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


def test_a_folder_is_made_and_goes_where_nothing_was_written(tmp_path):
    with hold(tmp_path / "deep" / "run"):
        assert (tmp_path / "deep" / "run" / LOCK_FILE).is_file()
    assert not (tmp_path / "deep" / "run").exists()
    with hold(tmp_path / "deep"):
        (tmp_path / "deep" / "run.json").write_text("{}")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["run.json"]


def test_a_folder_that_was_there_stays(tmp_path):
    for _ in range(2):
        with hold(tmp_path):
            pass
    assert list(tmp_path.iterdir()) == []


def test_two_processes_are_refused_in_one_line(tmp_path):
    process = held_elsewhere(tmp_path)
    try:
        with pytest.raises(InputError) as caught, hold(tmp_path):
            pytest.fail("two at once")
    finally:
        process.kill()
        process.wait()
    words = "another process is at work here (wait until it is done, or choose another --out)"
    assert str(caught.value) == f"{tmp_path}: {words}"


def test_two_in_one_process_are_refused_too(tmp_path):
    with hold(tmp_path), pytest.raises(InputError, match="at work here"), hold(tmp_path):
        pytest.fail("two at once")
    with hold(tmp_path):
        pass


def test_the_lock_dies_with_its_process(tmp_path):
    process = held_elsewhere(tmp_path)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (tmp_path / LOCK_FILE).exists()
    with hold(tmp_path):
        pass


def test_one_that_is_about_to_end_is_waited_for(tmp_path):
    process = held_elsewhere(tmp_path, 0.5)
    with hold(tmp_path, patience_s=20):
        process.wait()
    assert process.returncode == 0


def test_a_lock_file_that_was_taken_away_meanwhile_is_no_lock(tmp_path, monkeypatch):
    lock, seen = module._try_to_lock, []

    def removed_first(descriptor):
        if not seen:
            (tmp_path / LOCK_FILE).unlink()
        seen.append(descriptor)
        return lock(descriptor)

    monkeypatch.setattr(module, "_try_to_lock", removed_first)
    with hold(tmp_path):
        assert len(seen) == 2
        assert os.path.samestat(os.fstat(seen[1]), (tmp_path / LOCK_FILE).stat())


def test_a_file_system_without_locks_is_said(tmp_path, monkeypatch, caplog):
    fcntl = pytest.importorskip("fcntl")

    def unknown(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", unknown)
    with hold(tmp_path):
        assert "knows no locks" in caplog.text


def test_a_place_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("x")
    start = time.monotonic()
    with pytest.raises(InputError, match="cannot be written to"), hold(tmp_path / "file" / "run"):
        pytest.fail("nothing to hold")
    assert time.monotonic() - start < 5
