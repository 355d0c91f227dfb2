from __future__ import annotations

import io
import re
import sys
import time

import pytest

from cephsure.cli import progress
from cephsure.cli.progress import Meter, write_line


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def hurried(monkeypatch):
    """The meter's seconds are hundredths."""
    for name in ("PATIENCE_SECONDS", "LINE_SECONDS", "_FRAME_SECONDS"):
        monkeypatch.setattr(progress, name, getattr(progress, name) / 100)


def test_the_bar_says_how_many_are_done_and_what_time_is_left(clock):
    meter = Meter()
    meter.count("films", 0, 30)
    clock[0] += 5
    assert meter.bar(80) == "films: 0 of 30, 0:05"
    meter.count("films", 1, 30)
    clock[0] += 22
    meter.count("films", 12, 30)
    # 11 films in 22 seconds, the slow first one apart: 18 take 36 seconds, of which 6 are over.
    clock[0] += 6
    assert meter.bar(80) == "films: 12 of 30, 0:30 left [============                  ]"
    assert meter.bar(40) == "films: 12 of 30, 0:30 left [====      ]"
    assert meter.bar(20) == "films: 12 of 30, 0:30 left"
    clock[0] += 4000
    assert meter.bar(20) == "films: 12 of 30, 0:00 left"


def test_where_nothing_is_counted_it_says_that_work_goes_on(clock):
    meter, silent = Meter(), Meter(waits=False)
    clock[0] += 3675
    assert (meter.bar(80), silent.bar(80)) == ("working, 1:01:15", "")
    meter.count("films", 3, 3)
    assert meter.bar(80) == "working, 1:01:15"
    assert meter.words() == ""


@pytest.mark.usefixtures("hurried")
def test_a_terminal_shows_a_bar_once_it_takes_long_and_nothing_is_left_of_it(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with Meter() as meter:
        meter.count("films", 0, 1)
        deadline = time.monotonic() + 10
        while "films: 0 of 1, 0:00" not in screen.getvalue() and time.monotonic() < deadline:
            time.sleep(0.005)
        write_line("device: cpu")
    shown = re.split("[\r\n]", screen.getvalue())
    assert "films: 0 of 1, 0:00" in shown
    assert "device: cpu" in shown
    assert not shown[-1].strip()


def test_short_work_shows_no_bar(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with Meter() as meter:
        meter.count("films", 1, 3)
    assert screen.getvalue() == ""


@pytest.mark.usefixtures("hurried")
def test_a_log_has_a_line_now_and_then(capsys):
    with Meter() as meter:
        time.sleep(0.15)  # nothing is counted: nothing is said
        meter.count("films", 12, 30)
        err, deadline = "", time.monotonic() + 10
        while not err and time.monotonic() < deadline:
            time.sleep(0.005)
            err = capsys.readouterr().err
    assert err.splitlines()[0] == "films: 12 of 30"


@pytest.mark.usefixtures("hurried")
def test_quiet_is_silent(monkeypatch, capsys):
    with Meter(quiet=True) as meter:
        meter.count("films", 12, 30)
        time.sleep(0.3)
    assert capsys.readouterr() == ("", "")
