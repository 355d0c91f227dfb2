from __future__ import annotations

from pathlib import Path

import pytest

from cephsure.cli import terminal
from cephsure.errors import FilmError


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


def test_progress_is_silent_where_no_terminal_is(capsys):
    with terminal.progress("films", total=100) as step:
        step()
    assert capsys.readouterr() == ("", "")
