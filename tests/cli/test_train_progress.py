from __future__ import annotations

import io
import sys

import pytest

from cephsure.cli import terminal
from cephsure.cli.train_progress import progress_display
from cephsure.recipes.coarse_to_fine.recipe import CoarseToFineRecipe
from cephsure.training.run_config import RunConfig
from cephsure.training.runner import JobState
from cephsure.training.settings import FitSettings

FIT = FitSettings(epochs=3)
RECIPE = CoarseToFineRecipe(coarse_fit=FIT, fine_fit=FIT, orientation_fit=FIT)
CONFIG = RunConfig("d", "auto", "all", "mean", None, None, "0", "ensemble", 2, 0, "float32", RECIPE)


def row(stage, epoch):
    return {
        "stage": stage,
        "epoch": epoch,
        "epochs": 3,
        "loss": 2.5,
        "validation_score": 0.25,
        "validation_mre_mm": None if stage == "orientation" else 1.0 + epoch,
        "validation_unit": "wrong answers" if stage == "orientation" else "mm",
        "seconds": 10.0 * epoch,
    }


@pytest.fixture(autouse=True)
def _fresh_settings(monkeypatch):
    monkeypatch.setattr(terminal, "settings", terminal.Settings())


def test_a_log_has_a_line_for_each_new_epoch(capsys):
    states = [JobState("0", running=True), JobState("1"), JobState("orientation")]
    with progress_display(CONFIG, at_once=1) as show:
        show(states)
        assert capsys.readouterr().err == ""
        states[0].rows = [row("coarse", 1), row("coarse", 2)]
        show(states)
        show(states)
        lines = capsys.readouterr().err.splitlines()
        assert [line.split(" (")[0] for line in lines] == [
            "member 00: coarse 1/3, loss 2.5, validation MRE 2.00 mm",
            "member 00: coarse 2/3, loss 2.5, validation MRE 3.00 mm",
        ]
        assert all(line.endswith(" left)") for line in lines)
        states[2].rows = [row("orientation", 1)]
        show(states)
        assert "orientation: orientation 1/3, loss 2.5, wrong answers 25 %" in capsys.readouterr().err


def test_what_an_earlier_run_has_left_is_said_once(capsys):
    states = [
        JobState("0", [row("coarse", 3), row("fine", 3)], done=True),
        JobState("1", [row("coarse", 1)]),
        JobState("orientation"),
    ]
    with progress_display(CONFIG, at_once=1) as show:
        show(states)
        show(states)
    assert capsys.readouterr().err.splitlines() == [
        "member 00: done",
        "member 01: was at coarse 1/3, loss 2.5, validation MRE 2.00 mm",
    ]


def test_quiet_says_nothing(capsys):
    terminal.settings.quiet = True
    with progress_display(CONFIG, at_once=1) as show:
        show([JobState("0", [row("coarse", 1)]), JobState("1"), JobState("orientation")])
    assert capsys.readouterr().err == ""


def test_a_terminal_shows_bar_networks_and_time_left(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    for name, value in (("TERM", "xterm"), ("COLUMNS", "120"), ("NO_COLOR", "1")):
        monkeypatch.setenv(name, value)
    states = [
        JobState("0", [row("coarse", 1)], running=True),
        JobState("1", running=True),
        JobState("orientation", [row("orientation", 3)], done=True),
    ]
    with progress_display(CONFIG, at_once=2) as show:
        show(states)
    text = screen.getvalue()
    assert "1 of 3 networks" in text
    assert "member 00  coarse 1/3, loss 2.5, validation MRE 2.00 mm" in text
    assert "member 01  reading films" in text
    assert " left" in text
    assert "orientation 3/3" not in text
