from __future__ import annotations

from pathlib import Path

import pytest
import typer

from cephsure.cli import terminal
from cephsure.errors import FilmError
from cephsure.workflows.batch import Progress


@pytest.fixture(autouse=True)
def fresh_settings(monkeypatch):
    monkeypatch.setattr(terminal, "settings", terminal.Settings())


def test_an_input_error_is_one_line_with_file_and_remedy(capsys):
    line = terminal.complain(FilmError("is\nempty", where=Path("a.png"), remedy="copy it again"))
    captured = capsys.readouterr()
    assert captured.err == "error: a.png: is empty (copy it again)\n"
    assert captured.out == ""
    assert line == "a.png: is empty (copy it again)"


def test_our_failure_names_the_film_and_the_way_to_a_traceback(capsys):
    terminal.complain(KeyError("x"), about=Path("a.png"))
    assert (
        capsys.readouterr().err
        == "error: a.png: KeyError: 'x' (a failure of cephsure; --debug shows where)\n"
    )


def test_debug_shows_the_traceback(capsys):
    terminal.start(quiet=False, verbose=False, debug=True)
    try:
        {}["no film"]
    except KeyError as cause:
        error = FilmError("is empty", where="a.png").with_traceback(cause.__traceback__)
    terminal.complain(error)
    shown = capsys.readouterr().err
    assert shown.startswith("Traceback")
    assert shown.endswith("error: a.png: is empty\n")


@pytest.mark.parametrize(
    ("errors", "status"),
    [([], 0), ([FilmError("a")], 2), ([FilmError("a"), KeyError("b")], 1), ([KeyError("b")], 1)],
)
def test_exit_status(errors, status):
    complaints = terminal.Complaints()
    for error in errors:
        complaints.add(error)
    assert complaints.exit_status == status


def test_a_single_input_is_not_complained_of_twice(capsys):
    complaints = terminal.Complaints()
    complaints.add(FilmError("is empty", where="a.png"))
    capsys.readouterr()
    complaints.repeat(inputs=1)
    assert capsys.readouterr().err == ""
    complaints.repeat(inputs=3)
    assert capsys.readouterr().err == "2 of 3 done, 1 not:\n  a.png: is empty\n"


def test_quiet_silences_remarks_but_not_errors(capsys):
    terminal.start(quiet=True, verbose=False, debug=False)
    terminal.remark("by the way")
    terminal.complain(FilmError("is empty", where="a.png"))
    assert capsys.readouterr().err == "error: a.png: is empty\n"


def test_a_film_that_fails_is_complained_of_and_a_remark_is_said(capsys):
    complaints = terminal.Complaints()
    with terminal.following(complaints) as on_progress:
        on_progress(Progress(remark="device: cpu"))
        on_progress(Progress("films", 1, 2, Path("a.png"), FilmError("is empty", where="a.png")))
        on_progress(Progress("films", 2, 2, Path("b.png")))
    assert capsys.readouterr().err == "device: cpu\nerror: a.png: is empty\n"
    assert complaints.exit_status == 2


def stop_after(steps, **how):
    with terminal.following(terminal.Complaints(), **how) as on_progress:
        for done, total in steps:
            on_progress(Progress("films", done, total, Path("a.png")))
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("steps", "how", "said"),
    [
        ([(12, 30)], {"folder": Path("out")}, ": 12 of 30 films are done, their files are in out"),
        ([(12, 30)], {}, ": 12 of 30 films are done, nothing is written"),
        ([], {"films": 3, "folder": Path("out")}, " before any film was done"),
        ([], {}, "; nothing is written"),
        ([(1, 2)], {"kept": terminal.GOES_ON}, f": 1 of 2 films are done, {terminal.GOES_ON}"),
    ],
)
def test_who_stops_a_command_is_told_what_is_done(capsys, steps, how, said):
    with pytest.raises(typer.Exit) as end:
        stop_after(steps, **how)
    assert end.value.exit_code == 130
    assert capsys.readouterr().err == f"stopped{said}\n"
