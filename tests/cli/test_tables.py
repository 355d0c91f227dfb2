from __future__ import annotations

import io
import sys

import pytest

from cephsure.cli import terminal
from cephsure.cli.tables import NO_SCALE, short_names, show_films, summary_lines
from cephsure.uncertainty.prediction_table import film_lines, film_text
from cephsure.uncertainty.text_lines import width_of
from judged_films import LONG, REASONS, judged_film

WIDTHS = (60, 80, 120)
LONG_PATH = f"films/a very long name {'of a film' * 5} {{:03d}}.png"
VERDICTS = ("fit", "review", "unfit", "fit", None)


def batch(count, names=None, path="films of the ward/{:03d}.png"):
    return [
        judged_film(VERDICTS[number % 5], path=path.format(number), names=names) for number in range(count)
    ]


def texts(lines):
    return [line.text for line in lines]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("count", [1, 3, 4, 30])
@pytest.mark.parametrize(("names", "path"), [(None, "films/{:03d}.png"), (LONG, LONG_PATH)])
def test_nothing_is_cut_or_broken(capsys, monkeypatch, width, count, names, path):  # noqa: PLR0917 - a grid
    monkeypatch.setenv("COLUMNS", str(width))
    films = batch(count, names, path)
    show_films(films)
    out = capsys.readouterr().out
    said = " ".join(out.split())
    assert "…" not in out
    for film in films:
        name = film.film.path.removeprefix("films/")
        assert any(name in line for line in out.split("\n"))
        assert all(reason in said for reason in film.reasons or (film.why,))
        assert film.promise in said
        for mark in film.landmarks if count < 4 else ():
            assert {mark.code, f"{mark.x_px:.1f}", mark.verdict or "-", *mark.name.split()} <= set(
                out.split()
            )
    long = [line for line in out.split("\n") if width_of(line) > width]
    assert all("of a film" in line for line in long)  # a name that is longer by itself


@pytest.mark.parametrize("width", WIDTHS)
def test_a_row_has_verdict_accepted_points_and_the_worst_one(width):
    lines = texts(summary_lines(batch(30), width))
    rows = [line.split() for line in lines if line[:3].isdecimal()]
    assert rows[:3] == [
        ["000.png", "fit", "2", "of", "4", "PNS", "12.34"],
        ["001.png", "review", "0", "of", "4", "PNS", "12.34"],
        ["002.png", "unfit", "0", "of", "4", "-", "-"],
    ]
    assert rows[4] == ["004.png", "-", "-", "-", "-"]
    assert len(rows) == 30


def test_a_name_without_room_stands_above_its_figures_in_every_row():
    films = batch(4, path="films/{:03d} as it was sent to us by the ward.png")
    lines = texts(summary_lines(films, 60))
    assert lines[:3] == ["film", "                     worst", "  verdict  accepted  point   ± mm"]
    assert lines[3:7] == [
        "000 as it was sent to us by the ward.png",
        "  fit        2 of 4  PNS    12.34",
        "001 as it was sent to us by the ward.png",
        "  review     0 of 4  PNS    12.34",
    ]


def test_reasons_and_promises_stand_once_with_their_films_the_worst_first():
    films = [
        judged_film("fit", path="a.png"),
        judged_film("review", path="b.png"),
        judged_film("unfit", path="c d.png"),
        judged_film("review", path="e.png"),
    ]
    lines = summary_lines(films, 300)
    after = lines[texts(lines).index("") + 1 :]
    assert texts(after) == [
        *(f"unfit for automatic evaluation: {reason}: c d.png" for reason in REASONS["unfit"]),
        *(f"review: {reason}: b.png, e.png" for reason in REASONS["review"]),
        "fit: 2 of 4 points accepted (expected error up to 1.08 mm): a.png",
        "no promise: the film is unfit for automatic evaluation: c d.png",
        f"{films[1].promise}: b.png, e.png",
        f"{films[0].promise}: a.png",
        "model fake: ensemble, 15 samples a landmark: all 4 films",
    ]
    assert [line.style for line in after[1:6]] == ["unfit", "review", "review", "fit", "warning"]


def test_missing_scales_and_notes_are_said_once_with_their_films():
    films = [
        judged_film("review", path="a.png", mm_per_px=None, notes=("tag ignored",)),
        judged_film("fit", path="b.png", notes=("tag ignored", "cropped")),
    ]
    lines = texts(summary_lines(films, 200))
    assert f"{NO_SCALE}: a.png" in lines
    assert lines[-2:] == ["note: tag ignored: all 2 films", "note: cropped: b.png"]


def test_films_of_one_name_are_told_apart_by_their_folders():
    paths = ("/a/north/1.png", "/a/south/1.png", "/b/south/1.png", "2.png", None)
    assert short_names(paths) == ["north/1.png", "a/south/1.png", "b/south/1.png", "2.png", "film in memory"]


def test_a_terminal_has_colours_and_a_file_has_none(capsys, monkeypatch):
    class Terminal(io.StringIO):
        encoding = "utf-8"

        def isatty(self):
            return True

    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    film = judged_film("unfit")
    show_films([film])
    assert capsys.readouterr().out == film_text(film, 80) + "\n"
    monkeypatch.setattr(sys, "stdout", Terminal())
    terminal.show(film_lines(film, 80))
    assert "\x1b[31m\x1b[1mverdict: unfit for automatic evaluation: " in sys.stdout.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys, "stdout", Terminal())
    terminal.show(film_lines(film, 80))
    assert sys.stdout.getvalue() == film_text(film, 80) + "\n"


def test_letters_that_a_file_does_not_know_are_escaped(monkeypatch):
    target = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", target)
    monkeypatch.setenv("COLUMNS", "80")
    show_films([judged_film(path="头.png")])
    target.flush()
    assert target.buffer.getvalue().startswith(b"\\u5934.png\n")


def test_with_everything_a_batch_is_shown_in_tables_too(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    show_films(batch(4), everything=True)
    out = capsys.readouterr().out
    assert out.count("raw measures of the networks, not calibrated") == 4
    assert out.index("worst") > out.rindex("entropy")


@pytest.mark.parametrize(("columns", "width"), [("90", 90), ("0", 120), ("wide", 120), (None, 120)])
def test_what_is_piped_is_120_columns_wide_unless_told(monkeypatch, columns, width):
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert terminal.width() == width
