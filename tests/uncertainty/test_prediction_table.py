from __future__ import annotations

import io
import re
import sys

import pytest

from cephsure.uncertainty.prediction_table import NO_SCALE, film_lines, film_text
from cephsure.uncertainty.text_lines import width_of
from judged_films import ISBI, LONG, UNLIKE, judged_film

WIDTHS = (60, 80, 120)
FILMS = {
    "fit": judged_film(),
    "review": judged_film("review"),
    "unfit": judged_film("unfit"),
    "uncalibrated": judged_film(None),
    "no scale": judged_film(
        "review", mm_per_px=None, reasons=("scale unknown: errors in mm cannot be judged",)
    ),
    "long names": judged_film(names=LONG),
    "far": judged_film(far=1e4, names=LONG),
    "long path": judged_film(path=f"{'a folder/' * 20}my film.png"),
}


def rows(prediction, text):
    """The words of each landmark's row, in however many lines it stands."""
    lines = text.split("\n")
    lines = lines[lines.index("") + 1 :]
    lines = lines[: lines.index("")]
    starts = [
        next(i for i, line in enumerate(lines) if line.split(" ")[0] == mark.code)
        for mark in prediction.landmarks
    ]
    assert starts == sorted(starts)
    return [lines[i:j] for i, j in zip(starts, [*starts[1:], len(lines)], strict=True)]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("prediction", FILMS.values(), ids=FILMS)
def test_every_name_number_verdict_and_reason_stands_whole(prediction, width):
    text = film_text(prediction, width)
    assert text.split("\n")[0] == prediction.film.path
    said = " ".join(text.split())
    for sentence in (prediction.why, prediction.promise, *(mark.note for mark in prediction.landmarks)):
        assert sentence is None or " ".join(sentence.split()) in said
    for mark, lines in zip(prediction.landmarks, rows(prediction, text), strict=True):
        words = " ".join(lines).split()
        error = "-" if mark.expected_error_mm is None else f"{mark.expected_error_mm:.2f}"
        assert {mark.code, f"{mark.x_px:.1f}", f"{mark.y_px:.1f}", error, mark.verdict or "-"} <= set(words)
        in_turn = iter(words)
        assert all(word in in_turn for word in mark.name.split()), mark.name
        assert (mark.why or "") in " ".join(words)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("prediction", FILMS.values(), ids=FILMS)
def test_no_line_is_longer_than_the_width(prediction, width):
    for line in film_text(prediction, width).split("\n")[1:]:  # the path is not broken
        assert width_of(line) <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_with_everything_each_measure_stands_in_a_table_and_is_called_raw(width):
    for prediction in (FILMS["fit"], FILMS["unfit"], FILMS["far"]):
        text = "\n".join(line.text for line in film_lines(prediction, width, everything=True))
        assert all(width_of(line) <= width for line in text.split("\n"))
        for cell in ("7.77", "0.30", "0.500", "2.00"):
            assert len(re.findall(rf"(?<!\S){re.escape(cell)}(?!\S)", text)) == len(prediction.landmarks)
        assert "not calibrated: nothing is promised of them" in " ".join(text.split())
        assert ("12.3" in text) == (prediction.verdict == "fit")
        for word in ("number", "activation", "spread", "raw", "entropy"):
            assert word in text.split()


def test_a_usual_film_takes_a_line_a_landmark_at_80_columns_and_has_mm_at_120():
    lines = film_text(FILMS["fit"], 80).split("\n")
    assert lines[:5] == [
        "films/001.png",
        "1935 x 2400 px · 0.1 mm/px (user) · facing left (found) · positive (given)",
        "verdict: fit: 2 of 4 points accepted (expected error up to 1.08 mm)",
        "",
        "code name                   x px  y px  ± mm verdict why",
    ]
    assert lines[5:7] == [
        "S    Sella                 100.2 200.5  0.50 accept  expected 0.50 <= 1.08 mm",
        "Pog' Soft tissue pogonion  200.5 401.0  1.25 review  expected 1.25 > 1.08 mm",
    ]
    heading = film_text(FILMS["fit"], 120).split("\n")[4]
    assert " ".join(heading.split()) == "code name x px y px x mm y mm ± mm verdict why"


def test_what_is_said_below_the_table_in_its_order():
    film = judged_film("review", notes=("the resolution tag is no calibration: ignored",))
    assert film_text(film, 120).split("\n")[10:] == [
        "",
        "Pog': outside its own 90 % region",
        "±: expected error, how far off the point is on average",
        film.promise,
        "model fake: ensemble, 15 samples a landmark",
        "note: the resolution tag is no calibration: ignored",
    ]


def test_an_unfit_film_has_a_dash_for_every_error_and_says_that_nothing_is_promised():
    text = film_text(FILMS["unfit"], 80)
    assert " ".join(text.split()).count(f"verdict: unfit for automatic evaluation: {UNLIKE}") == 1
    assert "no promise: the film is unfit for automatic evaluation" in text.split("\n")
    assert all(
        lines[0].split()[-4:] == ["-", "review", "film", "unfit"] for lines in rows(FILMS["unfit"], text)
    )
    assert "7.77" not in text  # the raw one is no promise


def test_a_film_without_a_scale_has_a_way_out_and_nothing_in_mm():
    text = film_text(FILMS["no scale"], 80)
    assert NO_SCALE in text
    assert "x mm" not in film_text(FILMS["no scale"], 160)


def test_an_uncalibrated_model_says_so_in_place_of_a_verdict():
    lines = film_text(FILMS["uncalibrated"], 80).split("\n")
    assert lines[2] == "no verdict: fake is not calibrated (see: cephsure calibrate)"
    assert "no promise: fake is not calibrated (see: cephsure calibrate)" in lines
    assert "why" not in lines[4]


def test_one_sample_has_no_spread():
    film = judged_film(None)
    film = film.model_copy(update={"model": film.model.model_copy(update={"samples": 1})})
    text = "\n".join(line.text for line in film_lines(film, 120, everything=True))
    assert "0.30" not in text


def test_rows_are_styled_by_their_verdicts():
    def styles(verdict):
        shown = film_lines(judged_film(verdict), 80)
        return [line.style for line in shown if line.text.split(" ")[0] in ISBI]

    assert styles("fit") == ["fit", "review", "review", "fit"]
    assert styles("unfit") == ["unfit"] * 4
    assert film_lines(judged_film("unfit"), 80)[2].style == "unfit"


def test_print_gives_the_table_at_80_columns_or_as_wide_as_the_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("COLUMNS", "120")
    film = FILMS["fit"]
    assert str(film) == film_text(film, 80)
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert str(film) == film_text(film, 120)
