from __future__ import annotations

import numpy as np
import pytest

from cephsure.cephalometry import LandmarkErrors, analyse, load_analyses
from cephsure.cli.analysis_tables import show_analyses, summary_lines
from cephsure.landmarks import load_landmark_set
from cephsure.uncertainty.text_lines import width_of
from judged_films import judged_film

NAMES = {landmark.code: landmark.name for landmark in load_landmark_set().landmarks}
LONG = "films/Müller, Anna - follow-up after treatment 2024-05-17 (second exposure).jpg"
ERRORS = LandmarkErrors("calibration", np.tile(4.0 * np.eye(2), (len(NAMES), 1, 1)))


def analysed(verdict, path, definitions, **changes):
    film = judged_film(verdict, path=path, names=NAMES, **changes)
    # Not on one line, where every angle is 0 or 180 degrees.
    shifts = np.random.default_rng(0).normal(0, 90, len(NAMES))
    marks = tuple(
        mark.model_copy(update={"x_px": mark.x_px + shift})
        for mark, shift in zip(film.landmarks, shifts, strict=True)
    )
    return analyse(film.model_copy(update={"landmarks": marks}), definitions, errors=ERRORS)


@pytest.fixture
def mixed():
    def make(names="isbi"):
        definitions = load_analyses(names)
        films = [
            analysed("fit", "films/001.png", definitions),
            analysed("review", "films/002.png", definitions, notes=("resolution tag ignored",)),
            analysed("unfit", LONG, definitions),
            analysed(None, "films/004.png", definitions),
            analysed("review", "films/005.png", definitions, mm_per_px=None, reasons=("scale unknown",)),
        ]
        return films, definitions[0]

    return make


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("names", ["isbi", "jarabak"])
def test_many_films_are_told_whole_at_any_width(mixed, width, names):
    films, definition = mixed(names)
    lines = [line.text for line in summary_lines(films, definition, width)]
    assert all(width_of(line) <= width for line in lines)
    table = lines[: lines.index("")]
    for measured in films:
        assert any(line.startswith(measured.film_name.removeprefix("films/")) for line in table)
        for value in measured.measurements:
            shown = "-"
            if value.value is not None:
                number = f"{value.value:.{3 if value.unit == 'ratio' else 1}f}"
                shown = f"{number}?" if value.not_decided else number
            assert any(f" {shown}" in line for line in table), value.code
    for verdict in ("fit", "review", "unfit"):
        assert any(f" {verdict} " in line for line in table)


def test_why_and_promise_stand_once_for_the_films_that_share_them(mixed):
    films, definition = mixed()
    said = " ".join(" ".join(line.text for line in summary_lines(films, definition, 100)).split())
    for measured in films:
        assert " ".join(measured.why.split()) in said
        assert measured.promise in said
    assert said.count("scale unknown: 005.png") == 1
    assert "note: resolution tag ignored: 002.png" in said
    assert "no verdict stands behind them: 004.png" in said
    assert said.count("points: fake: all 5 films") == 1


def test_up_to_three_films_are_tables_of_their_own(mixed, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    films, definition = mixed()
    show_analyses(films[:3], definition)
    assert capsys.readouterr().out.count("90 % interval  class") == 2
    show_analyses(films[:4], definition)
    assert "measurement; norm" not in capsys.readouterr().out
