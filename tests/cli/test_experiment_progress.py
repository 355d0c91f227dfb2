from __future__ import annotations

import io
import sys

import pytest

from cephsure.cli import experiment_progress, terminal
from cephsure.cli.experiment_progress import study_display


@pytest.fixture(autouse=True)
def _fresh_settings(monkeypatch):
    monkeypatch.setattr(terminal, "settings", terminal.Settings())


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(experiment_progress.time, "monotonic", lambda: now[0])
    return now


def test_a_log_has_a_line_an_experiment_and_one_a_minute(capsys, clock):
    with study_display(3) as display:
        display.begin("accuracy")
        with display("test1", 10) as step:
            for _ in range(10):
                clock[0] += 25
                step()
        display.begin("distortion")
        with display("elastic", 0):
            pass
    assert capsys.readouterr().err.splitlines() == [
        "accuracy (1 of 3)",
        # After 75 s 3 of 10: 175 s left. Nothing is said of a part that is done.
        "  test1: 3 of 10 predicted, 0:02:55 left",
        "  test1: 6 of 10 predicted, 0:01:40 left",
        "  test1: 9 of 10 predicted, 0:00:25 left",
        "distortion (2 of 3)",
    ]


def test_quiet_is_silent(capsys):
    terminal.settings.quiet = True
    with study_display(1) as display:
        display.begin("accuracy")
        with display("test1", 2) as step:
            step()
    assert capsys.readouterr().err == ""


def test_a_terminal_shows_the_whole_and_the_part(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with study_display(8) as display:
        display.begin("accuracy")
        with display("test1", 5) as step:
            for _ in range(5):
                step()
            display._bars.refresh()
        display.begin("distortion")
        display._bars.refresh()
    shown = screen.getvalue()
    assert "accuracy" in shown
    assert "0/8" in shown
    assert "5/5" in shown
    assert "distortion" in shown
    assert "1/8" in shown
